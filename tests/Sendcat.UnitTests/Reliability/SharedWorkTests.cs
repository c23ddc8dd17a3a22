using System.Diagnostics;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.Tracing;

namespace Sendcat.UnitTests.Reliability;

/// <summary>A loop that serves many callers must not stay in the trace of the caller that started it.</summary>
public sealed class SharedWorkTests : IDisposable
{
    private readonly ActivitySource _source = new($"Sendcat.Tests.{Guid.NewGuid():N}");
    private readonly ActivityListener _listener;

    public SharedWorkTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = candidate => candidate.Name == _source.Name || candidate.Name is "Sendcat.SharedWork" or "Sendcat.Background",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _source.Dispose();
    }

    [Fact]
    public async Task Each_group_is_in_the_trace_of_its_first_caller_and_links_to_the_others()
    {
        var (commits, release) = (new List<Activity?>(), new TaskCompletionSource());
        var commit = new GroupCommit<int, int>("commit numbers", async items =>
        {
            lock (commits)
            {
                commits.Add(Activity.Current);
            }

            await release.Task;
            return [.. items];
        }, maxItems: 8);

        var callers = new List<Activity>();
        var results = new List<Task<int>>();
        for (var n = 0; n < 3; n++)
        {
            Activity.Current = null;
            using var caller = _source.StartActivity($"caller {n}")!;
            callers.Add(caller);
            results.Add(commit.AddAsync(n));
        }

        Activity.Current = null;
        release.SetResult();
        await Task.WhenAll(results);

        Assert.Equal(["commit numbers", "commit numbers"], commits.Select(span => span?.DisplayName));
        Assert.Equal(callers[0].SpanId, commits[0]!.ParentSpanId);
        Assert.Empty(commits[0]!.Links);
        Assert.Equal(callers[1].SpanId, commits[1]!.ParentSpanId);
        Assert.Equal([callers[2].Context], commits[1]!.Links.Select(link => link.Context));
    }

    [Fact]
    public async Task Work_without_a_traced_caller_belongs_to_no_trace()
    {
        using var earlier = _source.StartActivity("earlier");

        Assert.Null(await WorkAsync());
        Assert.Same(earlier, Activity.Current);

        static async Task<Activity?> WorkAsync()
        {
            using var span = SharedWork.Start("work", [null]);
            await Task.Yield();
            return Activity.Current;
        }
    }
}
