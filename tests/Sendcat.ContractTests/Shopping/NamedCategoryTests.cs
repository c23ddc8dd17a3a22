using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.Reliability.Database;

namespace Sendcat.ContractTests.Shopping;

/// <summary>How a category name is resolved with the cached category tree.</summary>
public sealed class NamedCategoryTests(PostgresFixture postgres)
{
    private const string Fetched =
        "insert into reliability.ebay_taxonomy_meta (marketplace_id, fetched_at) values ('EBAY_US', now()) "
        + "on conflict (marketplace_id) do update set fetched_at = excluded.fetched_at";

    [Fact]
    public async Task The_tree_is_cached_and_reloaded_when_the_worker_has_fetched_a_new_one()
    {
        await using var api = await SendcatApi.StartAsync(postgres);
        var clock = new FakeTimeProvider();
        using var categories = new EbayCategories(
            api.Services.GetRequiredService<RequestDatabase>(), clock, NullLogger<EbayCategories>.Instance);
        Assert.Null(await FindAsync(categories, "kettles"));

        await api.ExecuteAsync(CategoryTests.Tree);
        await api.ExecuteAsync(Fetched);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("11", await FindAsync(categories, "kettles"));

        await api.ExecuteAsync("update reliability.ebay_categories set category_id = '9' where category_id = '11'");
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("11", await FindAsync(categories, "kettles"));

        await api.ExecuteAsync(Fetched);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("13", await FindAsync(categories, "kettles"));
        Assert.Null(await categories.FindIdAsync("EBAY_GB", "kettles", CancellationToken.None));
    }

    [Fact]
    public async Task A_database_failure_keeps_the_cached_tree()
    {
        await using var api = await SendcatApi.StartAsync(postgres);
        await api.ExecuteAsync(CategoryTests.Tree);
        await api.ExecuteAsync(Fetched);
        var clock = new FakeTimeProvider();
        using var categories = new EbayCategories(
            api.Services.GetRequiredService<RequestDatabase>(), clock, NullLogger<EbayCategories>.Instance);
        Assert.Equal("12", await FindAsync(categories, "toasters"));

        await api.ExecuteAsync("alter table reliability.ebay_taxonomy_meta rename to away");
        clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal("12", await FindAsync(categories, "toasters"));
    }

    private static Task<string?> FindAsync(EbayCategories categories, string name) =>
        categories.FindIdAsync("EBAY_US", name, CancellationToken.None);
}
