namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// Lets calls that come while the database is busy go together in one statement. A call that meets an idle database goes at once and alone; there is no timer.
/// </summary>
/// <param name="commit">Answers in the order of the items; one that throws fails all its callers.</param>
/// <param name="most">Items in one go.</param>
internal sealed class GroupCommit<TItem, TAnswer>(Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TAnswer>>> commit, int most)
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
                group.ForEach(entry => entry.Answer.TrySetException(exception));
            }
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
        public TaskCompletionSource<TAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
