@echo off
rem Runs the self-test of iocpsock with a Tcl of this machine, or with the tclsh
rem that is given as an argument or dragged onto this file:
rem
rem     selftest.cmd [C:\Tcl\bin\tclsh86.exe] [options of selftest.tcl]
rem
rem Exit status: that of selftest.tcl; 3 if no Tcl can be used.
setlocal DisableDelayedExpansion
set "script=%~dp0selftest\selftest.tcl"
set "tclsh="
set "named="
set "arguments="
if not exist "%script%" (
    echo There is no selftest folder beside this file: unpack the whole zip.
    set "status=3"
    goto end
)

if "%~1"=="" goto search
set "first=%~1"
if "%first:~0,1%"=="-" goto arguments
set "named=%~1"
shift /1
:arguments
if "%~1"=="" goto search
set arguments=%arguments% %1
shift /1
goto arguments

:search
if not defined named goto path
call :try "%named%"
if defined tclsh goto run
echo "%named%" cannot be used.
goto none

rem First the folders of PATH, then the usual folders of Tcl.
:path
for %%d in ("%PATH:;=" "%") do call :shells "%%~d"
if defined tclsh goto run
call :folder "%SystemDrive%\Tcl"
call :folder "%SystemDrive%\Tcl64"
call :folder "%SystemDrive%\Tcl86"
call :folder "%SystemDrive%\Tcl90"
call :folder "%SystemDrive%\ActiveTcl"
call :folder "%SystemDrive%\IronTcl"
call :folder "%SystemDrive%\Bawt"
call :folder "%SystemDrive%\opt\Tcl"
call :folder "%ProgramFiles%\Tcl"
call :folder "%ProgramFiles%\Tcl86"
call :folder "%ProgramFiles%\Tcl90"
call :folder "%ProgramFiles%\ActiveTcl"
call :folder "%ProgramFiles%\IronTcl"
call :folder "%LOCALAPPDATA%\Apps\Tcl86"
call :folder "%LOCALAPPDATA%\Apps\Tcl90"
call :folder "%LOCALAPPDATA%\Programs\Tcl"
call :folder "%LOCALAPPDATA%\activestate\cache"
call :folder "%USERPROFILE%\Tcl"
call :folder "%USERPROFILE%\IronTcl"
if defined tclsh goto run

:none
echo.
echo The self-test needs Tcl 8.6 or 9 for Windows, and found none.
echo If you have one, give the path of its tclsh, or drag it onto selftest.cmd:
echo     selftest.cmd C:\where\it\is\bin\tclsh86.exe
echo If not, install one, for example Magicsplat's: https://www.magicsplat.com
set "status=3"
goto end

:run
echo Using "%tclsh%"
"%tclsh%" "%script%" %arguments%
set "status=%errorlevel%"
goto end

rem After a double click, the window would close before it can be read.
:end
if defined CI goto leave
if defined IOCPSOCK_NO_PAUSE goto leave
setlocal EnableDelayedExpansion
set "line=!cmdcmdline!"
if not "!line:%~f0=!"=="!line!" pause
endlocal
:leave
exit /b %status%

rem try FILE: uses this tclsh if none was found yet and it works.
:try
if defined tclsh goto :eof
if "%~1"=="" goto :eof
if not exist "%~1" goto :eof
"%~1" "%script%" -probe <NUL
if errorlevel 1 goto :eof
set "tclsh=%~1"
goto :eof

rem folder DIRECTORY: tries the shells in its folder bin, and in the folders bin
rem of its subfolders.
:folder
if defined tclsh goto :eof
if not exist "%~1\" goto :eof
call :shells "%~1\bin"
for /d %%d in ("%~1\*") do call :shells "%%~fd\bin"
goto :eof

rem shells DIRECTORY: tries the shells in this folder.
:shells
if defined tclsh goto :eof
if "%~1"=="" goto :eof
for %%n in (tclsh tclsh86 tclsh86t tclsh90 tclsh90t tclsh91) do (
    call :try "%~1\%%n.exe"
)
goto :eof
