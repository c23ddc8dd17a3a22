using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Sendcat.ContractTests;

/// <summary>One Postgres for the whole run, a fresh database for whoever asks.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"sendcat-contract-{Guid.NewGuid():N}");
    private readonly int port = FreePort();
    private Process? server;
    private readonly SemaphoreSlim starting = new(1);
    private int databases;
    private SendcatApi? shared;

    private string Data => Path.Combine(folder, "data");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(folder);
        if (Environment.UserName == "root")
        {
            await RunAsync("chown", "postgres:", folder);
        }

        await AsPostgres("initdb", "-D", Data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8").WaitForExitAsync();
        await StartAsync();
    }

    public async Task StartAsync()
    {
        server = AsPostgres("postgres", "-D", Data, "-p", port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={folder}", "-c", "fsync=off", "-c", "max_connections=400");
        var ready = new TaskCompletionSource();
        server.ErrorDataReceived += (_, line) =>
        {
            if (line.Data?.Contains("ready to accept connections", StringComparison.Ordinal) == true)
            {
                ready.TrySetResult();
            }
        };
        server.BeginErrorReadLine();
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>At once and without a farewell to its clients.</summary>
    public async Task StopAsync()
    {
        if (server is not null)
        {
            server.StandardInput.Close();
            await server.WaitForExitAsync();
            server.Dispose();
            server = null;
        }
    }

    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"contract_{Interlocked.Increment(ref databases)}";
        await using var connection = new NpgsqlConnection(ConnectionTo("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"create database {name}", connection);
        await command.ExecuteNonQueryAsync();
        return ConnectionTo(name);
    }

    /// <summary>The API with its default settings, shared by all tests that do not vary them; they keep apart by using people of their own.</summary>
    public async Task<SendcatApi> ApiAsync()
    {
        await starting.WaitAsync();
        try
        {
            return shared ??= await SendcatApi.StartAsync(this);
        }
        finally
        {
            starting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (shared is not null)
        {
            await shared.DisposeAsync();
        }

        starting.Dispose();
        await StopAsync();
        Directory.Delete(folder, recursive: true);
    }

    private string ConnectionTo(string database) => $"Host=127.0.0.1;Port={port};Username=postgres;Database={database};SSL Mode=Disable;Maximum Pool Size=20";

    private static Process AsPostgres(string program, params string[] arguments)
    {
        var binary = Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Last() + "/bin/" + program;
        string[] command = [binary, .. arguments];
        if (program == "postgres")
        {
            // The pipe to the shell closes however this process ends, and the server ends with it.
            command = ["sh", "-c", "\"$@\" <&- & server=$!; read -r _; kill -QUIT $server; wait $server", "sh", .. command];
        }

        return Environment.UserName == "root"
            ? Start("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", .. command])
            : Start(command[0], command[1..]);
    }

    private static Task RunAsync(string program, params string[] arguments) => Start(program, arguments).WaitForExitAsync();

    private static Process Start(string program, string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/" })!;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
