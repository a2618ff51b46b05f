// Makes one element like another by changing only what differs, so that focus, open details and a pressed
// button survive a refresh. Children are matched by place; an element with another tag or id is replaced.

const same = (mine, theirs) =>
  mine.nodeType === theirs.nodeType && mine.nodeName === theirs.nodeName && (mine.id || "") === (theirs.id || "");

// What a person changes by hand: it is theirs until the page is loaded anew.
const KEPT = new Set(["open"]);

function attributes(mine, theirs) {
  for (const { name } of [...mine.attributes]) {
    if (!theirs.hasAttribute(name) && !KEPT.has(name)) mine.removeAttribute(name);
  }
  for (const { name, value } of theirs.attributes) {
    if (mine.getAttribute(name) !== value && !KEPT.has(name)) mine.setAttribute(name, value);
  }
}

export function morph(mine, theirs) {
  if (mine.nodeType !== Node.ELEMENT_NODE) {
    if (mine.nodeValue !== theirs.nodeValue) mine.nodeValue = theirs.nodeValue;
    return;
  }
  if (mine.isEqualNode(theirs)) return;
  attributes(mine, theirs);
  const wanted = [...theirs.childNodes];
  for (const [place, child] of wanted.entries()) {
    let here = mine.childNodes[place];
    const known = child.id && [...mine.children].find((each) => each.id === child.id);
    if (known && known !== here) {
      mine.insertBefore(known, here ?? null);
      here = known;
    }
    if (!here) mine.append(document.importNode(child, true));
    else if (same(here, child)) morph(here, child);
    else if (here.id && wanted.some((each) => each.id === here.id)) mine.insertBefore(document.importNode(child, true), here);
    else here.replaceWith(document.importNode(child, true));
  }
  while (mine.childNodes.length > wanted.length) mine.lastChild.remove();
}
