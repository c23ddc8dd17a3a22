using System.Diagnostics;

namespace Sendcat.LocalRunner.Running;

/// <summary>A process that was started. Its end is the end of the process itself, even while something it left behind still holds its output open.</summary>
internal sealed class LaunchedProcess : IDisposable
{
    private readonly Process _process;
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LaunchedProcess(Process process)
    {
        _process = process;
        process.Exited += (_, _) => _exited.TrySetResult(process.ExitCode);
    }

    public int Pid => _process.Id;

    /// <summary>Ends with the exit code; 128 + signal for a process that was killed.</summary>
    public Task<int> Exited => _exited.Task;

    public void Dispose() => _process.Dispose();
}
