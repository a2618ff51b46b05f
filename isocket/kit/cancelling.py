"""Whether a task is told to end: a CancelledError alone does not say so, since what is waited for can be cancelled."""

import asyncio


def is_told_to_end() -> bool:
    """Tell whether somebody cancels the task that asks; a CancelledError is otherwise a failure like any other."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
