using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sendcat.Monitor.WebConsole;

/// <summary>
/// The last reading of every section, and the viewers who follow them. A slow viewer misses readings in between and none at the end, so
/// nothing queues up.
/// </summary>
internal sealed class LiveFeed(TimeProvider clock)
{
    public const string SectionEvent = "section";
    public const string BeatEvent = "beat";

    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Reading> _readings = new(StringComparer.Ordinal);
    private TaskCompletionSource _published = New();
    private TaskCompletionSource _wanted = New();
    private TaskCompletionSource _again = New();
    private long _version;
    private int _viewers;

    /// <summary>Completes when somebody looks.</summary>
    public Task WantedAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _wanted.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Completes after <paramref name="time"/>, or earlier when a change was made.</summary>
    public async Task PauseAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        Task again;
        lock (_gate)
        {
            again = _again.Task;
        }

        await SignalledAsync(again, time, cancellationToken);
    }

    /// <summary>All sections are read at once, because something was changed.</summary>
    public void ReadAgain()
    {
        TaskCompletionSource again;
        lock (_gate)
        {
            (again, _again) = (_again, New());
        }

        again.SetResult();
    }

    /// <summary>Publishes what was read of a section.</summary>
    /// <param name="status">The HTTP status; 0 without a response.</param>
    /// <param name="data">Null: keep the last data, which the page shows as old.</param>
    /// <param name="problem">Why there is no data.</param>
    public void Publish(string section, int status, JsonNode? data, string? problem)
    {
        TaskCompletionSource published;
        lock (_gate)
        {
            var last = _readings.GetValueOrDefault(section);
            var at = data is null ? last?.At : clock.GetUtcNow();
            var text = data?.ToJsonString() ?? last?.Data;
            var same = last is not null && last.Data == text && last.Status == status && last.Problem == problem;
            _readings[section] = new(same ? last!.Version : ++_version, at, status, text, problem);
            if (same)
            {
                return;
            }

            (published, _published) = (_published, New());
        }

        published.SetResult();
    }

    /// <summary>All sections at once, then each that changes, and at least every five seconds the times at which they were read.</summary>
    public async IAsyncEnumerable<SseItem<string>> FollowAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Join();
        try
        {
            var seen = 0L;
            yield return BeatNow();
            while (!cancellationToken.IsCancellationRequested)
            {
                var (changed, published) = Since(seen);
                foreach (var (section, reading) in changed)
                {
                    seen = Math.Max(seen, reading.Version);
                    yield return new(Json(section, reading), SectionEvent);
                }

                if (!await SignalledAsync(published, Beat, cancellationToken))
                {
                    yield return BeatNow();
                }
            }
        }
        finally
        {
            Part();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static string Json(string section, Reading reading)
    {
        var head = JsonSerializer.Serialize(
            new { name = section, at = reading.At, status = reading.Status, problem = reading.Problem }, JsonSerializerOptions.Web);
        return reading.Data is null ? head : $"{head[..^1]},\"data\":{reading.Data}}}";
    }

    private SseItem<string> BeatNow()
    {
        lock (_gate)
        {
            var read = _readings.ToDictionary(pair => pair.Key, pair => pair.Value.At);
            return new(JsonSerializer.Serialize(new { now = clock.GetUtcNow(), read }, JsonSerializerOptions.Web), BeatEvent);
        }
    }

    private (IReadOnlyList<(string Section, Reading Reading)> Changed, Task Published) Since(long version)
    {
        lock (_gate)
        {
            var newer = _readings.Where(pair => pair.Value.Version > version).OrderBy(pair => pair.Value.Version);
            return ([.. newer.Select(pair => (pair.Key, pair.Value))], _published.Task);
        }
    }

    private void Join()
    {
        lock (_gate)
        {
            if (_viewers++ == 0)
            {
                _wanted.SetResult();
            }
        }
    }

    private void Part()
    {
        lock (_gate)
        {
            if (--_viewers == 0)
            {
                _wanted = New();
            }
        }
    }

    /// <returns>False when the time has passed before the signal.</returns>
    private async Task<bool> SignalledAsync(Task signal, TimeSpan time, CancellationToken cancellationToken)
    {
        try
        {
            await signal.WaitAsync(time, clock, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private sealed record Reading(long Version, DateTimeOffset? At, int Status, string? Data, string? Problem);
}
