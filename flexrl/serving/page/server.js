// What the page asks the server, and what the server sends.

export async function get(path) {
  return answered(await fetch(path));
}

export async function post(path, body) {
  const headers = { "content-type": "application/json" };
  return answered(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answered(response) {
  const content = await response.json();
  if (!response.ok) throw new Error(content.detail);
  return content;
}

const AGAIN_MS = 1000; // until the next try, when the connection was lost

// Calls onState(state) and onPose(Float32Array) as messages come, and onLost() while there is no connection.
export function listen({ onState, onPose, onLost }) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/stream`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") onState(JSON.parse(data));
    else onPose(new Float32Array(data));
  };
  socket.onclose = () => {
    onLost();
    setTimeout(() => listen({ onState, onPose, onLost }), AGAIN_MS);
  };
}
