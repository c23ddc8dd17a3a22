using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class GroupCommitTests
{
    [Fact]
    public async Task Calls_that_arrive_during_a_commit_are_committed_together()
    {
        var (groups, release) = (new List<int>(), new TaskCompletionSource());
        var commit = new GroupCommit<int, string>("commit", async items =>
        {
            groups.Add(items.Count);
            await release.Task;
            return items.Select(item => $"done {item}").ToArray();
        }, maxItems: 4);

        var results = Enumerable.Range(0, 8).Select(commit.AddAsync).ToArray();
        release.SetResult();

        Assert.Equal(Enumerable.Range(0, 8).Select(i => $"done {i}"), await Task.WhenAll(results));
        Assert.Equal([1, 4, 3], groups);
    }

    [Fact]
    public async Task A_failed_commit_fails_only_its_own_calls()
    {
        var first = true;
        var commit = new GroupCommit<int, int>("commit", items =>
        {
            (var failing, first) = (first, false);
            return failing
                ? Task.FromException<IReadOnlyList<int>>(new TimeoutException())
                : Task.FromResult<IReadOnlyList<int>>([.. items]);
        }, maxItems: 4);

        await Assert.ThrowsAsync<TimeoutException>(() => commit.AddAsync(1));

        Assert.Equal(2, await commit.AddAsync(2));
    }
}
