"""The WebSocket of a session: the state as text ten times a second, and poses as a binary message after each step.

A binary message is float32, little-endian: the simulated seconds, then for each body x, y, z in m and the quaternion
w, x, y, z. A slow client gets the newest messages only.
"""

import asyncio

import numpy as np
from fastapi import WebSocket, WebSocketDisconnect

from flexrl.serving.messages import state_of
from flexrl.serving.session import Session, Snapshot

STATE_SECONDS = 0.1  # s between two states, unless the plan changes


async def serve_stream(socket: WebSocket, session: Session, *, has_poses: bool) -> None:
    """Send the session's states, and with `has_poses` the poses of all bodies, until the client leaves."""
    await socket.accept()
    leaving = asyncio.create_task(_until_left(socket))
    sent, sent_at = None, 0.0
    try:
        while not leaving.done():
            snapshot = session.snapshot
            if has_poses and snapshot is not sent:
                await socket.send_bytes(_pose(snapshot))
            if sent is None or _differs(sent, snapshot) or snapshot.at - sent_at >= STATE_SECONDS:
                await socket.send_text(state_of(snapshot).model_dump_json())
                sent_at = snapshot.at
            sent = snapshot
            await asyncio.sleep(snapshot.body.control_period / 2)
    except WebSocketDisconnect:  # it left between two messages
        return
    finally:
        leaving.cancel()


async def _until_left(socket: WebSocket) -> None:
    """Read what the client sends, which is of no use, until it leaves."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        await asyncio.sleep(0)


def _differs(sent: Snapshot, snapshot: Snapshot) -> bool:
    """Return whether a person should see a snapshot at once: another plan or policy, a pause, a fall or a notice."""
    return (sent.task.number, sent.is_paused, sent.is_fallen, sent.notice, sent.body.name) != (
        *(snapshot.task.number, snapshot.is_paused, snapshot.is_fallen, snapshot.notice, snapshot.body.name),
    )


def _pose(snapshot: Snapshot) -> bytes:
    return np.concatenate([[snapshot.seconds], snapshot.poses.ravel()]).astype("<f4").tobytes()
