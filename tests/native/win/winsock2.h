/* winsock2.h -- all there is stands in windows.h. */
#include <windows.h>
