// Chooses the time zone of this browser in a form where nobody has chosen one yet.

const list = document.querySelector("select[data-zone]");
const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;

if (list && list.value === "UTC" && [...list.options].some((each) => each.value === mine)) list.value = mine;
