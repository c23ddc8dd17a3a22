using Microsoft.Extensions.Logging.Abstractions;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.Integrations.Providers;

namespace Sendcat.UnitTests.Providers;

public sealed class ModelCatalogueTests : IDisposable
{
    private readonly ScriptedProvider _provider = new();

    public void Dispose() => _provider.Dispose();

    public static TheoryData<string, string> RealModels()
    {
        var models = new TheoryData<string, string>();
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Providers", "model-classes.txt"))
            .Where(line => !line.StartsWith('#')))
        {
            var (name, expected) = (line.Split(' ')[0], line.Split(' ')[^1]);
            models.Add(name, expected);
        }

        return models;
    }

    [Theory]
    [MemberData(nameof(RealModels))]
    public void Real_model_ids_have_their_class(string model, string expected) =>
        Assert.Equal(expected, _provider.Catalogue.ClassOf(model));

    [Theory]
    [InlineData(null, "agent")]
    [InlineData("someone/gemini", "agent")]
    [InlineData("minimax/flashy", "agent")]
    [InlineData("mini/anything", "agent")]
    [InlineData("someone/kimi-mini-thinking", "agent")]
    [InlineData("openai/gpt-5:nitro", "agent")]
    [InlineData("OpenAI/GPT-6-MINI", "fast")]
    public void Only_whole_words_after_the_vendor_make_a_model_fast(string? model, string expected) =>
        Assert.Equal(expected, _provider.Catalogue.ClassOf(model));

    [Fact]
    public async Task Names_and_vision_come_from_the_live_catalogue_or_else_from_the_id_and_the_table()
    {
        using var refresh = Refresh();
        _provider.RespondsWith("""
            {"data":[
              {"id":"a/sees","name":"A: Sees","architecture":{"input_modalities":["text","image"]}},
              {"id":"openai/gpt-4o","name":7,"architecture":{"input_modalities":["text"]}},
              {"id":"a/odd","name":"","architecture":[]},
              {"id":"a/\ud800","name":"no id"},
              {"\ud800":1,"id":"a/half","name":"\ud800","supported_parameters":["\ud800","tools"],"architecture":{"input_modalities":["\ud800","image"],"\udc00":1}}
            ]}
            """);
        Assert.Equal(
            (true, "gpt-4o"), (_provider.Catalogue.CapabilityOf("openai/gpt-4o").Vision, _provider.Catalogue.NameOf("openai/gpt-4o")));

        await refresh.RefreshAsync(CancellationToken.None);

        Assert.Equal(["a/half", "a/odd", "a/sees", "openai/gpt-4o"], _provider.Catalogue.Ids().Order());
        Assert.Equal((true, "A: Sees"), (_provider.Catalogue.CapabilityOf("a/sees").Vision, _provider.Catalogue.NameOf("a/sees")));
        Assert.Equal(
            (false, "gpt-4o"), (_provider.Catalogue.CapabilityOf("openai/gpt-4o").Vision, _provider.Catalogue.NameOf("openai/gpt-4o")));
        Assert.Equal((true, "half"), (_provider.Catalogue.CapabilityOf("a/half").Vision, _provider.Catalogue.NameOf("a/half")));
        Assert.Equal((false, "odd"), (_provider.Catalogue.CapabilityOf("a/odd").Vision, _provider.Catalogue.NameOf("a/odd")));
    }

    [Fact]
    public void The_configuration_overrides_the_table()
    {
        _provider.Knobs.ModelClasses = "google/gemini-2.5-pro=fast, someone/new = fast,";
        _provider.Knobs.DefaultModelClass = "fast";

        Assert.Equal("fast", _provider.Catalogue.ClassOf("google/gemini-2.5-pro"));
        Assert.Equal("fast", _provider.Catalogue.ClassOf("someone/new"));
        Assert.Equal("agent", _provider.Catalogue.ClassOf("openai/gpt-4o"));
        Assert.Equal("fast", _provider.Catalogue.ClassOf(null));
    }

    [Theory]
    [InlineData("openai/gpt-5", true, false)]
    [InlineData("openai/gpt-4o:online", true, false)]
    [InlineData("deepseek/deepseek-r1", true, true)]
    [InlineData("openai/gpt-5-codex", true, false)]
    [InlineData("someone/gr1ffin", false, false)]
    [InlineData("someone/clever-thinking:free", false, true)]
    public void Capabilities_come_from_the_table_or_are_inferred_from_the_id(string model, bool tools, bool reasoning) =>
        Assert.Equal(
            (tools, reasoning), (_provider.Catalogue.CapabilityOf(model).NativeTools, _provider.Catalogue.CapabilityOf(model).Reasoning));

    [Theory]
    [InlineData("moonshotai/kimi-k2.5", true, false)]
    [InlineData("openai/gpt-5", true, true)]
    [InlineData("openai/gpt-4o:online", true, true)]
    [InlineData("deepseek/deepseek-r1", false, false)]
    [InlineData("x-ai/grok-4", true, false)]
    [InlineData("someone/unknown", false, false)]
    public async Task Images_and_files_come_from_the_live_catalogue_or_from_the_table(string model, bool images, bool files)
    {
        Assert.Equal((images, files), (_provider.Catalogue.CapabilityOf(model).Vision, _provider.Catalogue.CapabilityOf(model).Files));

        using var refresh = Refresh();
        _provider.RespondsWith(
            $$$"""{"data":[{"id":"{{{model}}}","architecture":{"input_modalities":["text","file"]}},{"id":"openai/gpt-5-mini"}]}""");
        await refresh.RefreshAsync(CancellationToken.None);
        Assert.Equal((false, true), (_provider.Catalogue.CapabilityOf(model).Vision, _provider.Catalogue.CapabilityOf(model).Files));
        Assert.True(_provider.Catalogue.CapabilityOf("openai/gpt-5-mini").Vision);
    }

    [Theory]
    [InlineData("openai/gpt-5", true)]
    [InlineData("a:b", true)]
    [InlineData("ab", false)]
    [InlineData("has space", false)]
    [InlineData("line\n", false)]
    [InlineData("naïve/model", false)]
    [InlineData(null, false)]
    public void Model_ids_are_validated(string? id, bool valid)
    {
        Assert.Equal(valid, ModelCatalogue.IsModelId(id));
        Assert.False(ModelCatalogue.IsModelId(new string('x', 121)));
    }

    [Fact]
    public async Task The_live_catalogue_overrides_tool_support_once_it_is_loaded()
    {
        using var refresh = Refresh();
        _provider.RespondsWith("""{"data":[{"id":"someone/new","supported_parameters":["tools","stop"]},{"id":"openai/gpt-4o","supported_parameters":[]},{"id":"x"},5]}""");
        Assert.False(_provider.Catalogue.CapabilityOf("someone/new").NativeTools);

        await _provider.Catalogue.WaitForRefreshRequestAsync(CancellationToken.None);
        await refresh.RefreshAsync(CancellationToken.None);

        Assert.Equal("https://openrouter.ai/api/v1/models", _provider.Requests[0].Uri);
        Assert.True(_provider.Catalogue.CapabilityOf("someone/new").NativeTools);
        Assert.False(_provider.Catalogue.CapabilityOf("openai/gpt-4o").NativeTools);
        Assert.True(_provider.Catalogue.CapabilityOf("openai/gpt-5").NativeTools);
    }

    [Fact]
    public async Task Prices_and_maximum_output_come_from_the_live_catalogue_and_invalid_values_are_unknown()
    {
        using var refresh = Refresh();
        _provider.RespondsWith("""
            {"data":[
              {"id":"a/text","pricing":{"prompt":"0.00000125","completion":"1e-5"},"top_provider":{"max_completion_tokens":353}},
              {"id":"a/number","pricing":{"prompt":0,"completion":0.000002},"top_provider":{"max_completion_tokens":null}},
              {"id":"a/auto","pricing":{"prompt":"-1","completion":"-1"}},
              {"id":"a/huge","pricing":{"prompt":"79228162514264337593543950335","completion":"0"},"top_provider":{"max_completion_tokens":99999999999}},
              {"id":"a/odd","pricing":{"prompt":"a lot","completion":[]},"top_provider":5},
              {"id":"a/bare"}
            ]}
            """);
        Assert.Equal(new ModelPrice(1.25m, 10), _provider.Catalogue.PriceOf("openai/gpt-5"));

        await refresh.RefreshAsync(CancellationToken.None);

        Assert.Equal((new ModelPrice(1.25m, 10), 353), (_provider.Catalogue.PriceOf("a/text"), _provider.Catalogue.MaxOutputOf("a/text")));
        Assert.Equal((new ModelPrice(0, 2), null), (_provider.Catalogue.PriceOf("a/number"), _provider.Catalogue.MaxOutputOf("a/number")));
        Assert.All(
            ["a/auto", "a/huge", "a/odd", "a/bare", "openai/gpt-5"],
            (string model) => Assert.Equal((null, null), (_provider.Catalogue.PriceOf(model), _provider.Catalogue.MaxOutputOf(model))));
    }

    [Fact]
    public async Task A_catalogue_refresh_is_requested_once_until_the_catalogue_is_stale()
    {
        using var refresh = Refresh();
        _provider.RespondsWith("""{"data":[]}""");
        _provider.Catalogue.CapabilityOf("a/b/c");
        _provider.Catalogue.CapabilityOf("a/b/c");
        await _provider.Catalogue.WaitForRefreshRequestAsync(CancellationToken.None);
        await refresh.RefreshAsync(CancellationToken.None);

        _provider.Time.Advance(TimeSpan.FromMinutes(14));
        _provider.Catalogue.CapabilityOf("a/b/c");
        var requested = _provider.Catalogue.WaitForRefreshRequestAsync(CancellationToken.None);
        Assert.False(requested.IsCompleted);
        _provider.Time.Advance(TimeSpan.FromMinutes(1));
        _provider.Catalogue.CapabilityOf("a/b/c");

        await requested;
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"data":5}""")]
    public async Task A_failed_refresh_keeps_the_old_catalogue_and_is_retried_after_fifteen_seconds(string response)
    {
        using var refresh = Refresh();
        _provider.RespondsWith("""{"data":[{"id":"someone/new","supported_parameters":["tools"]}]}""").RespondsWith(response);
        await refresh.RefreshAsync(CancellationToken.None);
        await refresh.RefreshAsync(CancellationToken.None);

        Assert.True(_provider.Catalogue.CapabilityOf("someone/new").NativeTools);
        var requested = _provider.Catalogue.WaitForRefreshRequestAsync(CancellationToken.None);
        Assert.False(requested.IsCompleted);
        _provider.Time.Advance(TimeSpan.FromSeconds(15));
        _provider.Catalogue.CapabilityOf("someone/new");
        await requested;
    }

    [Fact]
    public async Task A_catalogue_refresh_times_out_after_five_seconds()
    {
        using var refresh = Refresh();
        var cancelled = _provider.HangsBeforeHeaders();

        var run = refresh.RefreshAsync(CancellationToken.None);
        _provider.Time.Advance(TimeSpan.FromMilliseconds(4_999));
        Assert.False(cancelled.IsCompleted);
        Assert.False(run.IsCompleted);

        // The fake clock stops at five seconds, so a longer timeout would not end the refresh.
        _provider.Time.Advance(TimeSpan.FromMilliseconds(1));

        await cancelled.WaitAsync(TimeSpan.FromSeconds(30));
        await run.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private CatalogueRefresh Refresh() =>
        new(
            _provider.Catalogue, _provider.Client, new Fixed<ProviderRouteOptions>(_provider.Knobs),
            new Fixed<OpenRouterOptions>(_provider.Account), _provider.Time, NullLogger<CatalogueRefresh>.Instance);
}
