using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Sendcat.TestKit.Processes;
using StackExchange.Redis;

namespace Sendcat.KillRig.Incidents;

/// <summary>
/// The system that <c>./sendcat up</c> has started in this checkout: its addresses, its keys and its processes. Linux only, because it
/// finds the processes by their environment in <c>/proc</c>.
/// </summary>
internal sealed class LocalSystem : IDisposable
{
    private const string DeadLetters = "api/ops/tool-jobs/dead-letters";

    private readonly string _mark;

    private LocalSystem(string state, int basePort, string key)
    {
        _mark = $"SENDCAT_RUN={state}";
        Api = AddressAt(basePort + 80);
        Emulator = new() { BaseAddress = AddressAt(basePort + 70) };
        Operator = new() { BaseAddress = Api, Timeout = TimeSpan.FromSeconds(10) };
        Operator.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        Operator.DefaultRequestHeaders.Add("x-sendcat-reason", "incident rig");
    }

    /// <summary>The address of all API replicas together.</summary>
    public Uri Api { get; }

    /// <summary>Calls the operator API with the operator key.</summary>
    public HttpClient Operator { get; }

    /// <summary>Calls the upstream emulator.</summary>
    public HttpClient Emulator { get; }

    /// <exception cref="InvalidOperationException">No system of this checkout is running, or not all that the incidents need.</exception>
    public static LocalSystem Find()
    {
        var state = Environment.GetEnvironmentVariable("SENDCAT_STATE") is { Length: > 0 } given
            ? given
            : Path.Combine(BuiltProgram.Root, ".sendcat");
        if (!File.Exists(Path.Combine(state, "running")))
        {
            throw new InvalidOperationException(
                "Nothing of this checkout is running. Start it with: ./sendcat up --replicas 2 --workers 2");
        }

        var system = new LocalSystem(
            state,
            int.Parse(File.ReadAllText(Path.Combine(state, "port-base")), CultureInfo.InvariantCulture),
            File.ReadAllText(Path.Combine(state, "ops-api-key")).Trim());
        return system.ProcessesOf("Sendcat.ToolWorker").Count >= 2
            ? system
            : throw new InvalidOperationException(
                "The incidents need two workers. Start the system with: ./sendcat up --replicas 2 --workers 2");
    }

    /// <summary>The ids of the running processes of a program.</summary>
    public IReadOnlyList<int> ProcessesOf(string program) =>
    [
        .. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .Where(id => ProgramOf(id) == program && EnvironmentOf(id).Contains(_mark)).Order(),
    ];

    /// <summary>Opens a connection to the Redis of the system, as its workers do.</summary>
    public Task<ConnectionMultiplexer> ConnectRedisAsync()
    {
        const string Name = "ConnectionStrings__redis=";
        var setting = EnvironmentOf(ProcessesOf("Sendcat.ToolWorker")[0]).First(it => it.StartsWith(Name, StringComparison.Ordinal));
        var options = ConfigurationOptions.Parse(setting[Name.Length..]);
        options.AllowAdmin = true;
        return ConnectionMultiplexer.ConnectAsync(options);
    }

    /// <summary>Lets providers fail: see the README of the emulator.</summary>
    /// <param name="root"><c>openrouter</c> or <c>rest</c>.</param>
    /// <param name="markers">The marker blocks; empty: none any more.</param>
    public async Task DirectAsync(string root, string markers = "")
    {
        var path = new Uri($"{root}/emulator/directions", UriKind.Relative);
        using var body = new StringContent(markers, Encoding.UTF8, "text/plain");
        using var response = markers.Length > 0 ? await Emulator.PostAsync(path, body) : await Emulator.DeleteAsync(path);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>The alerts that are not resolved.</summary>
    public async Task<IReadOnlyList<RaisedAlert>> AlertsAsync(CancellationToken cancellationToken)
    {
        var page = await Operator.GetFromJsonAsync<JsonElement>(
            new Uri("api/ops/alerts?open=true&limit=200", UriKind.Relative), cancellationToken);
        return
        [
            .. page.GetProperty("items").EnumerateArray().Select(alert => new RaisedAlert(
                alert.GetProperty("kind").GetString()!,
                alert.GetProperty("subject").GetString()!,
                alert.GetProperty("cause").GetString()!,
                alert.GetProperty("command").GetString()!,
                alert.GetProperty("raisedAt").GetDateTimeOffset())),
        ];
    }

    /// <summary>
    /// The verdict as <c>./sendcat status</c> and the console show it: with its cause and the sentence about the last minute.
    /// </summary>
    public async Task<ShownVerdict> VerdictAsync(CancellationToken cancellationToken)
    {
        using var response = await Operator.GetAsync(new Uri("api/chat/health", UriKind.Relative), cancellationToken);
        var health = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        return new(
            TextOf(health, "verdict") ?? $"{(int)response.StatusCode}", TextOf(health, "cause"),
            health.TryGetProperty("lastMinute", out var minute) ? TextOf(minute, "text") : null);
    }

    /// <summary>
    /// Requeues all dead letters, as docs/runbook.md says for a backlog. The change waits while a circuit that its jobs need is open.
    /// </summary>
    public async Task RequeueDeadLettersAsync()
    {
        while (true)
        {
            var count = await Operator.GetFromJsonAsync<JsonElement>($"{DeadLetters}/count");
            var letters = count.GetProperty("matched").GetInt32();
            if (letters == 0)
            {
                return;
            }

            using var change = await Operator.PostAsJsonAsync(
                $"{DeadLetters}/changes", new { action = "requeue", all = true, confirm = letters });
            if (change.StatusCode != HttpStatusCode.Conflict)
            {
                change.EnsureSuccessStatusCode();
                return;
            }

            // Another job has died since it was counted.
        }
    }

    public void Dispose()
    {
        Operator.Dispose();
        Emulator.Dispose();
    }

    private static string? TextOf(JsonElement json, string name) =>
        json.ValueKind is JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String
            ? value.GetString()
            : null;

    private static Uri AddressAt(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));

    private static string? ProgramOf(int process)
    {
        try
        {
            // A build since the start has replaced the file.
            var program = Path.GetFileName(File.ResolveLinkTarget($"/proc/{process}/exe", returnFinalTarget: false)?.FullName);
            return program?.Replace(" (deleted)", "", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static HashSet<string> EnvironmentOf(int process)
    {
        try
        {
            return [.. File.ReadAllText($"/proc/{process}/environ").Split('\0')];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

/// <summary>An alert as <c>GET /api/ops/alerts</c> lists it.</summary>
internal sealed record RaisedAlert(string Kind, string Subject, string Cause, string Command, DateTimeOffset RaisedAt)
{
    public (string Kind, string Subject) Key => (Kind, Subject);

    public override string ToString() => Subject.Length > 0 ? $"{Kind} {Subject}" : Kind;
}

/// <param name="Cause">One word; null: none is given.</param>
/// <param name="Text">The sentence about the last minute; null: there is none.</param>
internal sealed record ShownVerdict(string Verdict, string? Cause, string? Text)
{
    public override string ToString() => $"{Verdict}{(Cause is null ? "" : $" ({Cause})")}{(Text is null ? "" : $": {Text}")}";
}
