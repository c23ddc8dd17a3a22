using System.Diagnostics;

namespace Sendcat.TestKit.Processes;

/// <summary>
/// A child process that ends with the test host, even when the test host is killed. It stores the last 400 lines of its output. A test can
/// wait for a line, so it does not have to poll.
/// </summary>
public sealed class TestProcess : IAsyncDisposable
{
    private const int MaxLines = 400;

    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new();
    private readonly List<(Predicate<string> Wanted, TaskCompletionSource<string> Seen)> watchers = [];

    private readonly StreamWriter? _log;

    private TestProcess(Process process, string name, string? logFile)
    {
        _process = process;
        _log = logFile is null
            ? null
            : new StreamWriter(new FileStream(logFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
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

    /// <summary>Completes with the exit code after the last line of output was read.</summary>
    public Task<int> Exited { get; }

    /// <summary>The last lines of stdout and stderr.</summary>
    public string Output
    {
        get
        {
            lock (_gate)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    public static async Task<TestProcess> StartAsync(ProcessSpec spec) =>
        new(await ChildProcessStarter.StartAsync(spec), Path.GetFileName(spec.FileName), spec.LogFile);

    /// <summary>Runs a program to its end and returns its output.</summary>
    /// <exception cref="InvalidOperationException">The exit code is not 0. The message contains the output.</exception>
    public static async Task<string> RunAsync(ProcessSpec spec)
    {
        await using var child = await StartAsync(spec);
        var code = await child.Exited;
        return code == 0 ? child.Output : throw new InvalidOperationException($"{child.Name} ended with {code}:\n{child.Output}");
    }

    /// <summary>
    /// Waits for a line of stdout or stderr that matches <paramref name="wanted"/>. The line may have been written before the call.
    /// </summary>
    /// <exception cref="InvalidOperationException">The process ended, or the timeout expired. The message contains the output.</exception>
    public async Task<string> WaitForLineAsync(Predicate<string> wanted, TimeSpan timeout)
    {
        var seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_lines.FirstOrDefault(line => wanted(line)) is { } earlier)
            {
                return earlier;
            }

            watchers.Add((wanted, seen));
        }

        using var deadline = new CancellationTokenSource(timeout);
        var expired = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, deadline.Token);
        var first = await Task.WhenAny(seen.Task, Exited, expired);
        if (seen.Task.IsCompleted)
        {
            return await seen.Task;
        }

        // The CPU time distinguishes a process that hangs from one that the machine did not run.
        var reason = first == Exited
            ? $"ended with {await Exited}"
            : $"did not write the expected line within {timeout.TotalSeconds:0} s "
                + $"and {_process.TotalProcessorTime.TotalSeconds:0.0} s of CPU time";
        throw new InvalidOperationException($"{Name} {reason}:\n{Output}");
    }

    /// <summary>
    /// Sends a signal and waits until the process ends. After <paramref name="timeout"/> (default 20 s) it kills the process and its
    /// descendants.
    /// </summary>
    public async Task StopAsync(UnixSignal signal = UnixSignal.Terminate, TimeSpan? timeout = null)
    {
        Send(signal);
        using var deadline = new CancellationTokenSource(timeout ?? TimeSpan.FromSeconds(20));
        await Task.WhenAny(Exited, Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, deadline.Token));
        await KillAsync();
    }

    /// <summary>Sends SIGKILL to the process and all its descendants. Completes when the process has ended.</summary>
    public async Task KillAsync()
    {
        if (!Exited.IsCompleted)
        {
            // A child that starts between the listing and the kill would survive. It would keep the pipes open, and the wait for the end of
            // the output would not complete.
            Pause();
            SendToTree(UnixSignal.Kill);
        }

        await Exited;
    }

    /// <summary>Stops the process and all its descendants with SIGSTOP: connections stay open, but nothing responds.</summary>
    public void Pause()
    {
        var signalled = new HashSet<int>();
        while (ProcessTree.Of(Id).Where(signalled.Add).ToArray() is { Length: > 0 } found)
        {
            // A process that has not received the signal yet may start more children, so the loop repeats until it finds no new process.
            Array.ForEach(found, processId => UnixSignal.Stop.SendTo(processId));
        }
    }

    public void Resume() => SendToTree(UnixSignal.Continue);

    public void Send(UnixSignal signal)
    {
        if (!Exited.IsCompleted)
        {
            signal.SendTo(Id);
        }
    }

    /// <summary>Closes stdin, for a program that runs until its input ends.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
    }

    private void SendToTree(UnixSignal signal)
    {
        foreach (var processId in ProcessTree.Of(Id))
        {
            signal.SendTo(processId);
        }
    }

    private async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_gate)
        {
            _log?.WriteLine(line);
            _lines.Enqueue(line);
            if (_lines.Count > MaxLines)
            {
                _lines.Dequeue();
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
