// calls.js FOLDER: what bench/calls.tcl does, in Node.
'use strict';
const fs = require('fs');
const http = require('http');
const net = require('net');
const path = require('path');
const udp = require('./udp.js');

const piece = Buffer.alloc(65536, 'x');
const ports = {};

function listen(name, server) {
    return new Promise((resolve) => {
        server.listen(0, '127.0.0.1', () => {
            ports[name] = server.address().port;
            resolve();
        });
    });
}

function mark(text) {
    fs.writeSync(2, `\nMARK ${text}\n`);
}

// ---------------------------------------------------------------- servers

const echo = net.createServer((socket) => {
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('error', () => {});
});

const greet = net.createServer((socket) => socket.end('hello'));

const sink = net.createServer((socket) => socket.on('data', () => {}));

const source = net.createServer((socket) => {
    socket.once('data', (line) => {
        let left = Number(line);
        const send = () => {
            while (left > 0) {
                left -= 1;
                if (!socket.write(piece)) {
                    socket.once('drain', send);
                    return;
                }
            }
            socket.end();
        };
        send();
    });
});

function web(folder) {
    const page = fs.readFileSync(path.join(folder, 'index.html'));
    return http.createServer((request, response) => {
        response.writeHead(200, {
            'Content-Type': 'text/html; charset=utf-8',
            'Content-Length': page.length,
        });
        response.end(page);
    });
}

// ------------------------------------------------------------------ cases

const cases = {};

cases['echo-in'] = (count, port, done) => {
    const socket = net.connect(ports.echo, '127.0.0.1');
    let answers = -1;
    socket.setNoDelay(true);
    socket.on('data', () => {
        answers += 1;
        if (answers === 0) {
            mark('echo-in begin');
        }
        if (answers < count) {
            socket.write('x');
            return;
        }
        mark('echo-in end');
        socket.destroy();
        done();
    });
    socket.write('x');
};

function connectCase(name) {
    return (count, port, done) => {
        let left = count;
        const next = () => {
            if (left === 0) {
                mark(`${name} end`);
                done();
                return;
            }
            left -= 1;
            const socket = net.connect(port, '127.0.0.1', () => {
                socket.destroy();
                next();
            });
        };
        mark(`${name} begin`);
        next();
    };
}
cases.connect = connectCase('connect');
cases['connect-async'] = connectCase('connect-async');

cases.idle = (count, port, done) => {
    let left = count;
    const socket = net.connect(ports.echo, '127.0.0.1', () => {
        const pass = () => {
            if (left === 0) {
                mark('idle end');
                socket.destroy();
                done();
                return;
            }
            left -= 1;
            setImmediate(pass);
        };
        mark('idle begin');
        pass();
    });
};

cases['udp-out'] = udp.out;

// ---------------------------------------------------------------- control

const control = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('close', () => process.exit(0));
    socket.on('data', (bytes) => {
        const [command, ...rest] = bytes.toString().trim().split(' ');
        if (command === 'mark') {
            mark(rest.join(' '));
            socket.write('ok\n');
        } else if (command === 'workers') {
            socket.write('none\n'); // A thread cannot get a socket of another.
        } else {
            const [name, ...numbers] = rest;
            const [count, port, size] = numbers.map(Number);
            const done = () => socket.write('ok\n');
            cases[name](count, port, done, size);
        }
    });
});

async function main(folder) {
    await listen('control', control);
    await listen('echo', echo);
    await listen('greet', greet);
    await listen('sink', sink);
    await listen('source', source);
    await listen('web', web(folder));
    await udp.listen(ports);
    // Wine has no pipe that Node can write to: the output is a file.
    const text = Object.entries(ports).flat().join(' ');
    fs.writeSync(1, `PORTS ${text}\n`);
}

main(process.argv[2]);
