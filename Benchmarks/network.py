"""The way to a registry: how long each byte is under way, and what passed."""

import asyncio
import atexit
import multiprocessing
import socket


class Way:
    """A proxy on loopback in a process of its own, which delays and counts what goes to a registry and comes back."""

    def __init__(self, registry):
        self.registry = registry
        # Seconds for there and back together.
        self.delay = multiprocessing.Value("d", 0)
        self._received = multiprocessing.Value("q", 0)
        listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{listener.getsockname()[1]}"
        process = multiprocessing.get_context("fork").Process(target=self._serve, args=[listener], daemon=True)
        process.start()
        listener.close()
        atexit.register(process.kill)

    def begin(self, delay):
        """Delays from now on, and counts from nothing."""
        self.delay.value = delay
        self._received.value = 0

    @property
    def received(self):
        """Bytes that came from the registry."""
        return self._received.value

    def _serve(self, listener):
        asyncio.run(self._accept(listener))

    async def _accept(self, listener):
        server = await asyncio.start_server(self._connect, sock=listener)
        await server.serve_forever()

    async def _connect(self, reader, writer):
        try:
            answers, requests = await asyncio.open_connection(*self.registry.split(":"))
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._carry(reader, requests, False), self._carry(answers, writer, True))

    async def _carry(self, reader, writer, is_answer):
        """Everything arrives late by half the delay, however much is under way."""
        under_way = asyncio.Queue(256)
        arriving = asyncio.ensure_future(self._arrive(under_way, writer))
        loop = asyncio.get_running_loop()
        data = b"-"
        while data:
            try:
                data = await reader.read(1 << 18)
            except OSError:
                data = b""
            if is_answer:
                self._received.value += len(data)
            await under_way.put((loop.time() + self.delay.value / 2, data))
        await arriving

    async def _arrive(self, under_way, writer):
        loop = asyncio.get_running_loop()
        while True:
            time, data = await under_way.get()
            if (wait := time - loop.time()) > 0:
                await asyncio.sleep(wait)
            try:
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()
            except OSError:
                return
