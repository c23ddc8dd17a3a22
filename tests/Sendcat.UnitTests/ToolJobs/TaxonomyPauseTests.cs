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
    public void A_tree_that_could_not_be_fetched_is_tried_again_soon_and_then_ever_later(int failures, int minutes) => Assert.Equal(TimeSpan.FromMinutes(minutes), TaxonomyRefresh.Pause(failures));
}
