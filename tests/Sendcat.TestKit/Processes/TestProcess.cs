using System.Diagnostics;

namespace Sendcat.TestKit.Processes;

/// <summary>
/// A child process that dies with the test host, even when that one is killed. Keeps the last lines of its output, and tells when a line was seen,
/// so that nothing has to be polled.
/// </summary>
public sealed class TestProcess : IAsyncDisposable
{
    private const int KeptLines = 400;

    private readonly Process process;
    private readonly Lock gate = new();
    private readonly Queue<string> lines = new();
    private readonly List<(Predicate<string> Wanted, TaskCompletionSource<string> Seen)> watchers = [];

    private readonly StreamWriter? log;

    private TestProcess(Process process, string name, string? logFile)
    {
        this.process = process;
        log = logFile is null ? null : new StreamWriter(new FileStream(logFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        Name = name;
        Id = process.Id;
        process.OutputDataReceived += (_, e) => Read(e.Data);
        process.ErrorDataReceived += (_, e) => Read(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Exited = WaitForExitAsync();
    }

    public int Id { get; }

    public string Name { get; }

    /// <summary>Completes with the exit code, after the last line of output was read.</summary>
    public Task<int> Exited { get; }

    /// <summary>The last lines of both outputs.</summary>
    public string Output
    {
        get
        {
            lock (gate)
            {
                return string.Join('\n', lines);
            }
        }
    }

    public static async Task<TestProcess> StartAsync(ProcessSpec spec) => new(await Nursery.StartAsync(spec), Path.GetFileName(spec.FileName), spec.LogFile);

    /// <summary>Runs a program to its end and answers its output.</summary>
    /// <exception cref="InvalidOperationException">It ended with another exit code than 0; the message holds its output.</exception>
    public static async Task<string> RunAsync(ProcessSpec spec)
    {
        await using var child = await StartAsync(spec);
        var code = await child.Exited;
        return code == 0 ? child.Output : throw new InvalidOperationException($"{child.Name} ended with {code}:\n{child.Output}");
    }

    /// <summary>Waits until a line of either output fits, also one that was written before.</summary>
    /// <exception cref="InvalidOperationException">The process ended, or the time ran out; the message holds its output.</exception>
    public async Task<string> WaitForLineAsync(Predicate<string> wanted, TimeSpan timeout)
    {
        var seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (lines.FirstOrDefault(line => wanted(line)) is { } earlier)
            {
                return earlier;
            }

            watchers.Add((wanted, seen));
        }

        using var patience = new CancellationTokenSource(timeout);
        var outOfTime = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, patience.Token);
        var first = await Task.WhenAny(seen.Task, Exited, outOfTime);
        if (seen.Task.IsCompleted)
        {
            return await seen.Task;
        }

        var why = first == Exited ? $"ended with {await Exited}" : $"did not say so within {timeout.TotalSeconds:0} s";
        throw new InvalidOperationException($"{Name} {why}:\n{Output}");
    }

    /// <summary>Sends a signal and waits for the end; SIGKILL to the whole family when <paramref name="patience"/> (default 20 s) is over.</summary>
    public async Task StopAsync(UnixSignal signal = UnixSignal.Terminate, TimeSpan? patience = null)
    {
        Send(signal);
        using var cut = new CancellationTokenSource(patience ?? TimeSpan.FromSeconds(20));
        await Task.WhenAny(Exited, Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cut.Token));
        await KillAsync();
    }

    /// <summary>kill -9 of the process and all its descendants at once; completes when the process is gone.</summary>
    public async Task KillAsync()
    {
        if (!Exited.IsCompleted)
        {
            // One that was born between the look and the blow would live on, and hold the pipes open whose ends are waited for.
            Pause();
            SendToFamily(UnixSignal.Kill);
        }

        await Exited;
    }

    /// <summary>Freezes the process and all its descendants: connections stay open, nothing answers.</summary>
    public void Pause()
    {
        var told = new HashSet<int>();
        while (ProcessFamily.Of(Id).Where(told.Add).ToArray() is { Length: > 0 } found)
        {
            // Who is not told yet may have children meanwhile.
            Array.ForEach(found, member => UnixSignal.Stop.SendTo(member));
        }
    }

    public void Resume() => SendToFamily(UnixSignal.Continue);

    public void Send(UnixSignal signal)
    {
        if (!Exited.IsCompleted)
        {
            signal.SendTo(Id);
        }
    }

    /// <summary>For a program that runs until its input ends.</summary>
    public void CloseInput() => process.StandardInput.Close();

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        process.Dispose();
        if (log is not null)
        {
            await log.DisposeAsync();
        }
    }

    private void SendToFamily(UnixSignal signal)
    {
        foreach (var member in ProcessFamily.Of(Id))
        {
            signal.SendTo(member);
        }
    }

    private async Task<int> WaitForExitAsync()
    {
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (gate)
        {
            log?.WriteLine(line);
            lines.Enqueue(line);
            if (lines.Count > KeptLines)
            {
                lines.Dequeue();
            }

            foreach (var (wanted, seen) in watchers)
            {
                if (wanted(line))
                {
                    seen.TrySetResult(line);
                }
            }

            watchers.RemoveAll(watcher => watcher.Seen.Task.IsCompleted);
        }
    }
}
