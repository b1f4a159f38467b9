2catch {socket -server a -async 0}
catch {socket localhost 99999}
catch {socket -reuseaddr 2 -server a 0}
catch {socket -reuseport no -server a -1}
catch {socket 10.0.0.1 1}
catch {socket 192.0.2.1 1}
catch {socket -async nowhere http}
catch {socket -myport x 127.0.0.1 1}
