using System.Diagnostics;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// Lets calls that come while the database is busy go together in one statement. A call that meets an idle database goes at once and alone; there is no timer.
/// </summary>
/// <param name="name">Of its span, which is in the trace of the first caller of a group and links to the others.</param>
/// <param name="commit">Answers in the order of the items; one that throws fails all its callers.</param>
/// <param name="most">Items in one go.</param>
internal sealed class GroupCommit<TItem, TAnswer>(string name, Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TAnswer>>> commit, int most)
{
    private readonly Lock _gate = new();
    private readonly Queue<Entry> _waiting = [];
    private bool _busy;

    /// <summary>Not cancellable: the item may be part of a commit that is under way. The commit is bounded by its command time-out.</summary>
    public Task<TAnswer> AddAsync(TItem item)
    {
        var entry = new Entry(item);
        lock (_gate)
        {
            _waiting.Enqueue(entry);
            if (_busy)
            {
                return entry.Answer.Task;
            }

            _busy = true;
        }

        // Owned by its callers: it ends when none of them waits, and every failure is theirs.
        _ = DrainAsync();
        return entry.Answer.Task;
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
            var answers = await commit(group.ConvertAll(entry => entry.Item));
            for (var i = 0; i < group.Count; i++)
            {
                group[i].Answer.SetResult(answers[i]);
            }
        }
        catch (Exception exception)
        {
            span?.SetStatus(ActivityStatusCode.Error);
            group.ForEach(entry => entry.Answer.TrySetException(exception));
        }
    }

    private List<Entry> Next()
    {
        lock (_gate)
        {
            var group = new List<Entry>(Math.Min(_waiting.Count, most));
            while (group.Count < most && _waiting.TryDequeue(out var entry))
            {
                group.Add(entry);
            }

            _busy = group.Count > 0;
            return group;
        }
    }

    private sealed record Entry(TItem Item)
    {
        /// <summary>The span in which it was added.</summary>
        public Activity? Caller { get; } = Activity.Current;

        public TaskCompletionSource<TAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
