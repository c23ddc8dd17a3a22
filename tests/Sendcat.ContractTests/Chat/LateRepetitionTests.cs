using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ContractTests.Attachments;

namespace Sendcat.ContractTests.Chat;

/// <summary>
/// Edits and regenerations that a proxy or a client sends again: they change nothing a second time, even when others have followed.
/// </summary>
public sealed class LateRepetitionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Red = """red [[emu text="Red."]]""";
    private const string Blue = """blue [[emu text="Blue."]]""";
    private const string More = """more [[emu text="More."]]""";

    private FileApi _files = null!;
    private HttpClient _guest = null!;
    private string _thread = "";

    private int Calls => _files.Emulator.Requests.Count;

    public async ValueTask InitializeAsync()
    {
        _files = await FileApi.StartAsync(postgres);
        _guest = await _files.Api.GuestAsync();
        _thread = await FileApi.NewThreadAsync(_guest);
    }

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Fact]
    public async Task Repeated_edit_gets_its_answer_again_and_keeps_what_followed()
    {
        await PostAsync(Submit("m1", Red));
        await PostAsync(Edit("m1", Blue));
        await PostAsync(Submit("m2", More));
        var calls = Calls;

        Assert.Equal("200 Blue.", await PostAsync(Edit("m1", Blue)));

        Assert.Equal((calls, $"{Blue} | Blue. | {More} | More."), (Calls, await MessagesAsync()));
    }

    [Fact]
    public async Task Edit_without_a_change_is_a_new_one_when_the_message_was_not_edited_just_before()
    {
        await PostAsync(Submit("m1", Red));
        await PostAsync(Submit("m2", More));

        Assert.Equal("200 Red.", await PostAsync(Edit("m1", Red)));
        Assert.Equal($"{Red} | Red.", await MessagesAsync());

        await PostAsync(Submit("m2", More));
        await MakeEditsOldAsync();
        Assert.Equal("200 Red.", await PostAsync(Edit("m1", Red)));
        Assert.Equal($"{Red} | Red.", await MessagesAsync());
    }

    [Fact]
    public async Task Original_request_that_arrives_after_an_edit_is_refused_and_changes_nothing()
    {
        await PostAsync(Submit("m1", Red));
        await PostAsync(Edit("m1", Blue));
        await PostAsync(Submit("m2", More));

        Assert.Equal("409 message_edited", await PostAsync(Submit("m1", Red)));

        Assert.Equal($"{Blue} | Blue. | {More} | More.", await MessagesAsync());
        Assert.Equal("200 Red.", await PostAsync(Edit("m1", Red)));
        Assert.Equal($"{Red} | Red.", await MessagesAsync());
    }

    [Fact]
    public async Task Versions_that_edits_replaced_are_kept_up_to_a_limit()
    {
        for (var n = 0; n < 12; n++)
        {
            await PostAsync(Edit("m1", $"[[emu text={n}]]"));
        }

        Assert.Equal(
            8,
            await _files.Api.ScalarAsync<int>(
                $"SELECT jsonb_array_length(edits) FROM messages WHERE thread_id = '{_thread}' AND edits IS NOT NULL"));
        Assert.Equal("409 message_edited", await PostAsync(Submit("m1", "[[emu text=10]]")));
    }

    [Fact]
    public async Task Regenerations_with_one_key_call_the_model_once()
    {
        await PostAsync(Submit("m1", """[[emu first=300ms text="Yes."]]"""));
        var calls = Calls;

        Assert.Equal(
            ["200 Yes.", "200 Yes."], await Task.WhenAll(PostAsync(Regenerate("m1"), "key-1"), PostAsync(Regenerate("m1"), "key-1")));
        Assert.Equal("200 Yes.", await PostAsync(Regenerate("m1"), "key-1"));
        Assert.Equal(calls + 1, Calls);

        await PostAsync(Regenerate("m1"), "key-2");
        Assert.Equal(calls + 2, Calls);
    }

    [Fact]
    public async Task Regeneration_with_a_key_whose_answer_was_replaced_is_refused_and_changes_nothing()
    {
        await PostAsync(Submit("m1", Red));
        await PostAsync(Regenerate("m1"), "key-1");
        await PostAsync(Regenerate("m1"));
        var calls = Calls;

        Assert.Equal("409 answer_replaced", await PostAsync(Regenerate("m1"), "key-1"));

        await PostAsync(Regenerate("m1"), "key-2");
        await PostAsync(Edit("m1", Blue));
        Assert.Equal("409 answer_replaced", await PostAsync(Regenerate("m1"), "key-2"));
        Assert.Equal((calls + 2, $"{Blue} | Blue."), (Calls, await MessagesAsync()));
    }

    [Fact]
    public async Task Regeneration_with_a_key_that_was_cut_before_another_one_is_refused()
    {
        await PostAsync(Submit("m1", Red));
        _files.Emulator.Direct("[[emu status=400]]");
        await PostAsync(Regenerate("m1"), "key-1");
        _files.Emulator.ClearDirections();
        await PostAsync(Regenerate("m1"), "key-2");
        var calls = Calls;

        Assert.Equal("409 answer_replaced", await PostAsync(Regenerate("m1"), "key-1"));
        Assert.Equal("200 Red.", await PostAsync(Regenerate("m1"), "key-2"));

        Assert.Equal(calls, Calls);
    }

    [Fact]
    public async Task Regeneration_with_a_key_that_got_no_answer_gets_the_one_that_stands()
    {
        _files.Emulator.Direct("""[[emu text="Red."]]""");
        await PostAsync(Submit("m1", "red"));
        _files.Emulator.ClearDirections();
        _files.Emulator.Direct("""[[emu text=""]]""");
        Assert.Equal("200 ", await PostAsync(Regenerate("m1"), "key-1"));
        _files.Emulator.ClearDirections();
        var calls = Calls;

        Assert.Equal("200 Red.", await PostAsync(Regenerate("m1"), "key-1"));
        Assert.Equal(calls, Calls);

        await PostAsync(Regenerate("m1"));
        Assert.Equal("409 answer_replaced", await PostAsync(Regenerate("m1"), "key-1"));
    }

    [Fact]
    public async Task Regeneration_with_a_key_that_failed_is_started_again_when_the_next_one_failed_too()
    {
        await PostAsync(Submit("m1", Red));
        _files.Emulator.Direct("[[emu status=400]]");
        await PostAsync(Regenerate("m1"), "key-1");
        await PostAsync(Regenerate("m1"), "key-2");
        _files.Emulator.ClearDirections();
        var calls = Calls;

        Assert.Equal("200 Red.", await PostAsync(Regenerate("m1"), "key-1"));
        Assert.Equal(calls + 1, Calls);

        Assert.Equal("409 answer_replaced", await PostAsync(Regenerate("m1"), "key-2"));
    }

    [Fact]
    public async Task Turns_whose_answer_was_replaced_go_after_a_day()
    {
        await PostAsync(Submit("m1", Red));
        await PostAsync(Regenerate("m1"), "key-1");
        await PostAsync(Edit("m1", Blue));
        Assert.Equal(3, await TurnsAsync());
        await MakeTurnsOldAsync();

        // The turn of the edit is old, but its answer is replaced now.
        await PostAsync(Regenerate("m1"));
        Assert.Equal(2, await TurnsAsync());
        await MakeTurnsOldAsync();
        await PostAsync(Edit("m1", Red));

        Assert.Equal(2, await TurnsAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Regeneration_with_a_key_is_refused_for_a_day_after_its_answer_was_replaced(bool byEdit)
    {
        await PostAsync(Submit("m1", Red));
        await PostAsync(Regenerate("m1"), "key-1");
        await MakeTurnsOldAsync();
        await PostAsync(byEdit ? Edit("m1", Blue) : Regenerate("m1"));
        await PostAsync(Regenerate("m1"));

        Assert.Equal("409 answer_replaced", await PostAsync(Regenerate("m1"), "key-1"));
    }

    [Fact]
    public async Task Turns_whose_answer_was_replaced_go_after_a_day_without_another_one()
    {
        await PostAsync(Submit("m1", Red));
        await PostAsync(Regenerate("m1"));
        _files.Emulator.Direct("[[emu status=400]]");
        await PostAsync(Regenerate("m1"));
        _files.Emulator.ClearDirections();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var sweeper = ActivatorUtilities.CreateInstance<ReplacedTurnSweeper>(_files.Api.Services, time);

        time.Advance(TimeSpan.FromHours(23));
        await sweeper.SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal(3, await TurnsAsync());
        time.Advance(TimeSpan.FromHours(2));
        await sweeper.SweepAsync(TestContext.Current.CancellationToken);

        Assert.Equal((1, $"{Red} | Red."), (await TurnsAsync(), await MessagesAsync()));
    }

    [Fact]
    public async Task Edit_with_a_key_is_recognized_however_late()
    {
        await PostAsync(Submit("m1", Red), "key-0");
        await PostAsync(Edit("m1", Blue), "key-1");
        await PostAsync(Submit("m2", More), "key-2");
        await MakeEditsOldAsync();

        Assert.Equal("200 Blue.", await PostAsync(Edit("m1", Blue), "key-1"));

        Assert.Equal($"{Blue} | Blue. | {More} | More.", await MessagesAsync());
        Assert.StartsWith("409", await PostAsync(Edit("m1", Red), "key-1"), StringComparison.Ordinal);
        Assert.Equal($"{Blue} | Blue. | {More} | More.", await MessagesAsync());
    }

    [Fact]
    public async Task Edit_with_a_key_that_another_edit_has_followed_is_refused_and_changes_nothing()
    {
        await PostAsync(Submit("m1", Red), "key-0");
        await PostAsync(Edit("m1", Blue), "key-1");
        await PostAsync(Edit("m1", More), "key-2");
        var calls = Calls;

        Assert.Equal("409 message_edited", await PostAsync(Edit("m1", Blue), "key-1"));
        Assert.Equal("409 conflict", await PostAsync(Edit("m1", Red), "key-1"));
        Assert.Equal("200 More.", await PostAsync(Edit("m1", More), "key-2"));

        Assert.Equal((calls, $"{More} | More."), (Calls, await MessagesAsync()));
        Assert.Equal("200 Blue.", await PostAsync(Edit("m1", Blue), "key-3"));
        Assert.Equal("200 Blue.", await PostAsync(Edit("m1", Blue), "key-1"));
        Assert.Equal((calls + 1, $"{Blue} | Blue."), (Calls, await MessagesAsync()));
    }

    [Fact]
    public async Task Edit_with_a_key_whose_answer_was_regenerated_keeps_what_followed()
    {
        await PostAsync(Submit("m1", Red));
        await PostAsync(Edit("m1", Blue), "key-1");
        await PostAsync(Regenerate("m1"), "key-2");
        await PostAsync(Submit("m2", More));
        await MakeEditsOldAsync();
        var calls = Calls;

        Assert.Equal("200 Blue.", await PostAsync(Edit("m1", Blue), "key-1"));

        Assert.Equal((calls, $"{Blue} | Blue. | {More} | More."), (Calls, await MessagesAsync()));
    }

    [Fact]
    public async Task Regeneration_that_was_cut_is_started_again_by_its_repetition()
    {
        await PostAsync(Submit("m1", Red));
        _files.Emulator.Direct("[[emu status=400]]");
        await PostAsync(Regenerate("m1"), "key-1");
        _files.Emulator.ClearDirections();
        var calls = Calls;

        Assert.Equal("200 Red.", await PostAsync(Regenerate("m1"), "key-1"));

        Assert.Equal(calls + 1, Calls);
    }

    private Task<long> TurnsAsync() =>
        _files.Api.ScalarAsync<long>($"SELECT count(*) FROM stream_sessions WHERE thread_id = '{_thread}'");

    private Task MakeTurnsOldAsync() => _files.Api.ExecuteAsync(
        "UPDATE stream_sessions SET ended_at = ended_at - interval '25 hours', last_heartbeat = last_heartbeat - interval '25 hours' "
        + $"WHERE thread_id = '{_thread}'");

    private Task MakeEditsOldAsync() => _files.Api.ExecuteAsync(
        $"UPDATE messages SET edits = jsonb_set(edits, '{{0,at}}', to_jsonb(now() - interval '1 day')) WHERE thread_id = '{_thread}' "
        + "AND edits IS NOT NULL");

    /// <returns>The status, and the text of the answer, or the reason of the refusal or else its code.</returns>
    private async Task<string> PostAsync(object body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(body) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await _guest.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var result = Header(response, "x-sendcat-error-reason") ?? Header(response, "x-sendcat-error-code")
            ?? FileApi.Answer(
                text.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal))
                    .Select(line => System.Text.Json.Nodes.JsonNode.Parse(line["data: ".Length..])!));
        return $"{(int)response.StatusCode} {result}";
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.Single() : null;

    private async Task<string> MessagesAsync()
    {
        using var response = await _guest.GetAsync($"/api/threads/{_thread}/messages?limit=100");
        return string.Join(" | ", (await response.JsonAsync())["items"]!.AsArray().Select(message => (string)message!["content"]!));
    }

    private object Submit(string id, string text) => Body(id, text, "submit-message", null);

    private object Edit(string id, string text) => Body(id, text, "submit-message", id);

    private object Regenerate(string lastUser) => Body(lastUser, "x", "regenerate-message", null);

    private object Body(string id, string text, string trigger, string? messageId) => new
    {
        id = _thread, modelId = "openai/gpt-5", trigger, messageId,
        messages = new[] { new { id, role = "user", parts = new[] { new { type = "text", text } } } },
    };
}
