/* ws2tcpip.h -- all there is stands in windows.h. */
#include <windows.h>
