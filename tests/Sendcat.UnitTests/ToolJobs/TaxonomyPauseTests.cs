using Sendcat.ToolWorker.Taxonomy;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class TaxonomyPauseTests
{
    [Theory]
    [InlineData(0, 60)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(6, 32)]
    [InlineData(7, 60)]
    [InlineData(1_000, 60)]
    public void A_failed_taxonomy_refresh_is_retried_with_backoff_up_to_one_hour(int failures, int minutes) =>
        Assert.Equal(TimeSpan.FromMinutes(minutes), TaxonomyRefresh.Pause(failures));
}
