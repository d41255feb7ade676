// An application without any sign-in of its own, with a web socket.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { who } from "./verify.mjs";

const server = createServer(async (request, response) => {
  let uploaded = 0, user = null, status = 200;
  for await (const chunk of request) uploaded += chunk.length;
  try {
    user = await who(request.headers);
  } catch (error) { // forged, or the keys cannot be fetched
    [user, status] = [error.message, 403];
  }
  const headers = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) headers.push([request.rawHeaders[i], request.rawHeaders[i + 1]]);
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ path: request.url, user, uploaded, headers }));
});

// Everything that comes through a web socket goes back (RFC 6455).
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n");
  socket.pipe(socket);
  socket.on("error", () => socket.destroy());
});

server.listen(Number(process.env.PORT ?? 9002), "127.0.0.1");
