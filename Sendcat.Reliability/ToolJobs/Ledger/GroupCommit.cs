using System.Diagnostics;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>
/// Group commit: calls that arrive while a commit is running are executed together by the next one. A call that finds no commit running is
/// executed at once and alone. There is no timer.
/// </summary>
/// <param name="name">
/// The name of the span of a commit. The span is in the trace of the first caller of the group and links to the others.
/// </param>
/// <param name="commit">
/// Executes a group and returns the results in the order of the items. When it throws, all callers of the group get the exception.
/// </param>
/// <param name="maxItems">Maximum number of items in one group.</param>
internal sealed class GroupCommit<TItem, TResult>(
    string name, Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> commit, int maxItems)
{
    private readonly Lock _gate = new();
    private readonly Queue<Entry> _waiting = [];
    private bool _busy;

    /// <summary>Not cancellable, because the item may be part of a running commit. The command timeout bounds the commit.</summary>
    public Task<TResult> AddAsync(TItem item)
    {
        var entry = new Entry(item);
        lock (_gate)
        {
            _waiting.Enqueue(entry);
            if (_busy)
            {
                return entry.Result.Task;
            }

            _busy = true;
        }

        // The callers own this task: it ends when the queue is empty, and each failure is reported to its callers.
        _ = DrainAsync();
        return entry.Result.Task;
    }

    private async Task DrainAsync()
    {
        while (Next() is { Count: > 0 } group)
        {
            await CommitAsync(group);
        }
    }

    private async Task CommitAsync(List<Entry> group)
    {
        using var span = SharedWork.Start(name, group.Select(entry => entry.Caller));
        try
        {
            var results = await commit(group.ConvertAll(entry => entry.Item));
            for (var i = 0; i < group.Count; i++)
            {
                group[i].Result.SetResult(results[i]);
            }
        }
        catch (Exception exception)
        {
            span?.SetStatus(ActivityStatusCode.Error);
            group.ForEach(entry => entry.Result.TrySetException(exception));
        }
    }

    private List<Entry> Next()
    {
        lock (_gate)
        {
            var group = new List<Entry>(Math.Min(_waiting.Count, maxItems));
            while (group.Count < maxItems && _waiting.TryDequeue(out var entry))
            {
                group.Add(entry);
            }

            _busy = group.Count > 0;
            return group;
        }
    }

    private sealed record Entry(TItem Item)
    {
        /// <summary>The span in which the item was added.</summary>
        public Activity? Caller { get; } = Activity.Current;

        public TaskCompletionSource<TResult> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
