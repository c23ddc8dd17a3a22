using System.Globalization;
using System.Text.Json;
using Sendcat.UpstreamEmulator.OpenRouter.Assistant;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Streaming;
using Sendcat.UpstreamEmulator.Pacing;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>
/// Handles <c>POST /openrouter/api/v1/chat/completions</c>: it reads the request, chooses the model, and then refuses, streams or sends one
/// JSON object.
/// </summary>
internal sealed class ChatCompletions(
    ModelChoice choice, ScriptCache scripts, EmulatorStats stats, RequestLog log, TimerWheel wheel, TimeProvider clock)
{
    private const string Upstream = "openrouter";

    private readonly string _instance = Random.Shared.Next().ToString("x8", CultureInfo.InvariantCulture);
    private long _generations;

    public async Task HandleAsync(HttpContext http)
    {
        if (Bearer.IsMissing(http))
        {
            await RefuseAsync(http, "(no key)", 401, "No auth credentials found");
            return;
        }

        try
        {
            var request = await ReadAsync(http);
            var chosen = choice.For(request);
            if (request.HasImages && !chosen.Model.Images)
            {
                await RefuseAsync(http, chosen.Model.Id, 404, "No endpoints found that support image input");
                return;
            }

            if (request.Files.Count > 0)
            {
                var (seen, shown) = (new List<string>(), new List<string>());
                foreach (var file in request.Files)
                {
                    seen.Add(await file.DescribeAsync(http.RequestAborted));
                    if (request.WantsOrders)
                    {
                        shown.Add(await file.ShownAsync(http.RequestAborted));
                    }
                }

                request = request with { Seen = $"I see {string.Join(" and ", seen)}. ", Shown = string.Join('\n', shown) };
            }

            await AnswerAsync(http, request, chosen);
        }
        catch (JsonException)
        {
            await RefuseAsync(http, "(bad request)", 400, "The request body is not valid JSON");
        }
        catch (FormatException e)
        {
            await RefuseAsync(http, "(bad request)", 400, $"Emulator: {e.Message}");
        }
        catch (Exception e) when (e is OperationCanceledException or IOException && http.RequestAborted.IsCancellationRequested)
        {
            // The client closed the connection while its request was read; the statistics have not counted the request yet.
        }
    }

    private async Task<ChatCompletionRequest> ReadAsync(HttpContext http)
    {
        using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
        log.Add(http.Request, body.RootElement);
        return ChatCompletionRequest.From(body.RootElement);
    }

    private async Task AnswerAsync(HttpContext http, ChatCompletionRequest request, ChosenModel chosen)
    {
        var call = stats.Start(Upstream, chosen.Model.Id);
        try
        {
            if (chosen.Directions.Status is not null && chosen.Directions.Hang != HangPoint.BeforeHeaders)
            {
                await PauseAsync(http, call, chosen.Directions.HeadersMs);
                await Refusal.WriteAsync(http, chosen.Directions, chosen.Model);
                call.Refused();
            }
            else if (request.Stream)
            {
                await StreamPlayer.PlayAsync(http, Script(request, chosen), NewGeneration(), wheel, clock, call);
            }
            else
            {
                await AnswerWithoutStreamAsync(http, request, chosen, call);
            }
        }
        finally
        {
            call.Broken(); // has no effect when the call has already ended in another way
        }
    }

    private StreamScript Script(ChatCompletionRequest request, ChosenModel chosen)
    {
        var key = new ScriptCache.Key(
            chosen.Model.Id, chosen.Prompt, chosen.Applied, string.Join(',', request.Tools), request.PromptTokens, request.Call);
        var cacheable = request.ToolResults.Count == 0 && request.ToolsAllowed && request.Files.Count == 0;
        if (cacheable && scripts.TryGet(key, out var cached))
        {
            return cached!;
        }

        var answer = ShoppingAssistant.Reply(request, chosen.Prompt, chosen.Directions);
        var script = ScriptWriter.Write(answer, chosen.Directions, chosen.Model, request.PromptTokens);
        if (cacheable && answer.ToolCalls.Count == 0)
        {
            scripts.Add(key, script);
        }

        return script;
    }

    private async Task AnswerWithoutStreamAsync(
        HttpContext http, ChatCompletionRequest request, ChosenModel chosen, EmulatorStats.Call call)
    {
        var directions = chosen.Directions;
        if (directions.Hang != HangPoint.None || directions is { StallAfter: not null, StallMs: null })
        {
            await PauseAsync(http, call, milliseconds: null);
            return;
        }

        var answer = ShoppingAssistant.Reply(request, chosen.Prompt, directions);
        await PauseAsync(http, call, directions.HeadersMs + directions.FirstMs + (directions.StallMs ?? 0));
        if (http.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        if (directions.CutAfter is not null)
        {
            call.Broken();
            http.Abort();
            return;
        }

        if (directions.ErrorAfter is not null)
        {
            directions.Status = int.TryParse(directions.ErrorCode, CultureInfo.InvariantCulture, out var code) ? code : 500;
            await Refusal.WriteAsync(http, directions, chosen.Model);
            call.Refused();
            return;
        }

        var id = NewGeneration();
        http.Response.ContentType = "application/json";
        http.Response.Headers["X-Generation-Id"] = id;
        var json = NonStreamingAnswer.Render(answer, directions, chosen.Model, id, clock.GetUtcNow(), request.PromptTokens);
        await http.Response.WriteAsync(directions.BadJsonAfter is null ? json : json[..(json.Length / 2)], http.RequestAborted);
        call.Completed();
    }

    /// <summary>
    /// Waits for <paramref name="milliseconds"/>, or without a limit when it is null. The wait ends early when the client closes the
    /// connection.
    /// </summary>
    private async Task PauseAsync(HttpContext http, EmulatorStats.Call call, int? milliseconds)
    {
        if (milliseconds == 0)
        {
            return;
        }

        var timer = new WheelTimer();
        await using var registration = http.RequestAborted.UnsafeRegister(
            static s =>
            {
                var (call, wheel, timer) = ((EmulatorStats.Call, TimerWheel, WheelTimer))s!;
                call.AbortedByPeer("before-headers", 0);
                wheel.Cancel(timer);
            },
            (call, wheel, timer));
        await (milliseconds is { } ms ? wheel.WaitUntilAsync(timer, wheel.NowMs + ms) : wheel.WaitForCancelAsync(timer));
    }

    private async Task RefuseAsync(HttpContext http, string route, int status, string message)
    {
        var call = stats.Start(Upstream, route);
        await Refusal.WriteAsync(http, status, message);
        call.Refused();
    }

    private string NewGeneration() => string.Create(
        CultureInfo.InvariantCulture,
        $"gen-{clock.GetUtcNow().ToUnixTimeSeconds()}-{_instance}{Interlocked.Increment(ref _generations):D12}");
}
