using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.UnitTests.Providers;

public sealed class ModelAccessTests : IDisposable
{
    private readonly ScriptedProvider _provider = new();
    private readonly ModelAccessOptions _lists = new();
    private readonly ModelAccess _access;

    public ModelAccessTests() =>
        _access = new(new Fixed<ModelAccessOptions>(_lists), new Fixed<ProviderRouteOptions>(_provider.Knobs), _provider.Catalogue);

    public void Dispose() => _provider.Dispose();

    [Theory]
    [InlineData("openai/gpt-5", true)]
    [InlineData("moonshotai/kimi-k2.5", true)]
    [InlineData("google/gemini-2.0-flash-exp:free", true)]
    [InlineData("openai/gpt-4o-mini", false)]
    [InlineData("openai/o1-pro", false)]
    [InlineData("openai/GPT-5", false)]
    public void A_guest_may_use_the_configured_models_only(string model, bool allowed) =>
        Assert.Equal(allowed, _access.Allows(model, guest: true));

    [Theory]
    [InlineData("openai/gpt-4o-mini", true)]
    [InlineData("anthropic/claude-opus-4.5", false)]
    [InlineData("openai/o1-preview", false)]
    [InlineData("openai/o1-pro", false)]
    [InlineData("openai/gpt-4o-mini:online", false)]
    public void Without_the_live_catalogue_a_user_may_use_table_models_up_to_the_maximum_price(string model, bool allowed) =>
        Assert.Equal(allowed, _access.Allows(model, guest: false));

    [Fact]
    public void The_live_catalogue_decides_once_it_is_loaded()
    {
        Catalogue(("someone/cheap", new(1, 20)), ("someone/dear", new(1, 20.01m)), ("someone/priceless", null));

        Assert.True(_access.Allows("someone/cheap", guest: false));
        Assert.All(
            ["someone/dear", "someone/priceless", "openai/gpt-4o-mini"],
            (string model) => Assert.False(_access.Allows(model, guest: false)));
    }

    [Fact]
    public void The_allowed_models_are_those_of_the_lists_and_of_the_catalogue_that_are_allowed()
    {
        Catalogue(("someone/cheap", new(1, 20)), ("someone/dear", new(1, 20.01m)), ("openai/gpt-5", new(1, 10)));
        _lists.UserModels = "*,unknown/model";
        string[] configured = ["google/gemini-2.0-flash-exp:free", "moonshotai/kimi-k2.5", "openai/gpt-5"];

        Assert.Equal(configured, _access.AllowedTo(guest: true).Order());
        Assert.Equal([.. configured, "someone/cheap", "unknown/model"], _access.AllowedTo(guest: false).Order());
    }

    [Fact]
    public void Configured_and_listed_models_are_allowed_at_any_price_and_when_unknown()
    {
        _provider.Knobs.AgentPrimaryModel = "openai/o1-pro";
        _lists.UserModels = "*, unknown/model";
        _lists.GuestModels = "configured,unknown/guest";

        Assert.True(_access.Allows("openai/o1-pro", guest: false) && _access.Allows("openai/o1-pro", guest: true));
        Assert.True(_access.Allows("unknown/model", guest: false) && _access.Allows("unknown/guest", guest: true));
        Assert.False(_access.Allows("unknown/guest", guest: false) || _access.Allows("unknown/model", guest: true));
    }

    [Fact]
    public void A_list_without_a_keyword_allows_only_its_own_models()
    {
        _lists.GuestModels = "moonshotai/kimi-k2.5";

        Assert.True(_access.Allows("moonshotai/kimi-k2.5", guest: true));
        Assert.False(_access.Allows("openai/gpt-5", guest: true));
    }

    [Fact]
    public void A_changed_price_takes_effect_at_once()
    {
        _lists.MaxOutputPrice = 0.5;

        Assert.False(_access.Allows("openai/gpt-4o-mini", guest: false));
    }

    private void Catalogue(params (string Id, ModelPrice? Price)[] models) =>
        _provider.Catalogue.ApplyRefresh(
            models.ToDictionary(model => model.Id, model => new CatalogueModel(true, model.Price, null)), TimeSpan.FromHours(1));
}
