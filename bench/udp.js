// udp.js: what bench/udp.tcl does, in Node.
'use strict';
const dgram = require('dgram');

const host = '127.0.0.1';
const socketBytes = 212992;
let received = 0;

function open(proc) {
    return new Promise((resolve) => {
        const socket = dgram.createSocket('udp4');
        socket.on('message', (bytes, peer) => proc(socket, bytes, peer));
        socket.on('error', () => {});
        socket.bind(0, host, () => {
            socket.setRecvBufferSize(socketBytes);
            resolve(socket.address().port);
        });
    });
}

function echo(socket, bytes, peer) {
    socket.send(bytes, peer.port, peer.address);
}

function sink(socket, bytes, peer) {
    received += 1;
    if (bytes[0] === 97) {
        const name = bytes.toString('latin1', 0, 8);
        socket.send(`${name} ${received}`, peer.port, peer.address);
    }
}

async function listen(ports) {
    ports['udp-echo'] = await open(echo);
    ports['udp-sink'] = await open(sink);
}

// Sends so many datagrams to a port of this machine. The callback of the last
// one of each group sends the next group.
function out(count, port, done, size) {
    const socket = dgram.createSocket('udp4');
    const bytes = Buffer.alloc(size, 'x');
    let left = count;
    const sendSome = () => {
        for (let i = 0; i < 15 && left > 1; i += 1) {
            left -= 1;
            socket.send(bytes);
        }
        left -= 1;
        socket.send(bytes, () => {
            if (left > 0) {
                sendSome();
                return;
            }
            socket.close();
            done();
        });
    };
    socket.connect(port, host, sendSome);
}
module.exports = { listen, out };
