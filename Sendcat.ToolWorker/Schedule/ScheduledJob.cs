namespace Sendcat.ToolWorker.Schedule;

/// <summary>Work that runs at intervals, in one worker at a time.</summary>
/// <param name="Name">Its name for operators, for example <c>cleanup-idempotency-keys</c>; never changed.</param>
/// <param name="Description">What it does, in one sentence.</param>
/// <param name="Interval">The time from the end of a run to the next one.</param>
/// <param name="Run">
/// Runs it once. The first parameter is true when an operator requested the run: what was done recently is then done again. It must be safe
/// to run again after a part of a run. An exception is a failure; the run is then tried again after a minute, two, and so on.
/// </param>
internal sealed record ScheduledJob(
    string Name, string Description, TimeSpan Interval, Func<bool, CancellationToken, Task<ScheduledResult>> Run);

/// <summary>What a run has done.</summary>
/// <param name="Text">For operators: numbers, and no secrets.</param>
/// <param name="Changed">Whether it did work: an idle run leaves no trace.</param>
internal sealed record ScheduledResult(string Text, bool Changed)
{
    /// <summary>False: it could not do its work.</summary>
    public bool IsSuccess { get; init; } = true;
}
