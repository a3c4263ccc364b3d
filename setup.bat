@echo off
rem Sets the project up on Windows: a virtual environment, .env, and the services in containers (Docker Desktop).
rem Not run by the project's own checks, which have no Windows; please report what does not work.
setlocal
cd /d "%~dp0"

where py >nul 2>nul && (set "PYTHON=py -3") || (set "PYTHON=python")
%PYTHON% -c "import sys; sys.exit(sys.version_info < (3, 11))" || (
    echo Python 3.11 or later is needed: https://www.python.org/downloads/
    exit /b 1
)

if not exist .venv\Scripts\python.exe (
    echo Making the virtual environment .venv ...
    %PYTHON% -m venv .venv || exit /b 1
)
echo Installing the pinned packages ...
.venv\Scripts\python -m pip install --quiet --disable-pip-version-check -r requirements.txt || exit /b 1

if not exist .env (
    echo Writing .env with the password that compose.yaml gives its database ...
    powershell -NoProfile -Command "(Get-Content .env.example) -replace '^DB_PASSWORD=$', 'DB_PASSWORD=learning' | Set-Content -Encoding ascii .env" || exit /b 1
)

docker info >nul 2>nul || (
    echo Docker is not running. Start Docker Desktop and run setup.bat again, or set your own
    echo RabbitMQ and PostgreSQL in .env, and then:  .venv\Scripts\python app.py db upgrade
    exit /b 1
)
echo Starting RabbitMQ and PostgreSQL in containers ...
docker compose up --detach --wait rabbitmq postgres || exit /b 1
.venv\Scripts\python app.py db upgrade || exit /b 1

echo.
echo Ready. Set OPENAI_API_KEY in .env, or start the stand-in model in a window of its own and set its address:
echo     .venv\Scripts\python app.py stand-in --port 8080
echo     OPENAI_BASE_URL=http://127.0.0.1:8080/v1
echo Then:
echo     .venv\Scripts\python app.py
echo     .venv\Scripts\python test_publisher.py --topic "Cell Biology" --wait
