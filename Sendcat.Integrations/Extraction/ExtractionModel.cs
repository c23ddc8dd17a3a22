using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenAI;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Outbound;

namespace Sendcat.Integrations.Extraction;

/// <summary>
/// Asks a model for the orders in a document, and a second model when the first one fails. Each request goes through circuit breaker and
/// bulkhead and has a timeout; it offers the model no tools.
/// </summary>
internal sealed class ExtractionModel(
    IHttpClientFactory clients, Circuits circuits, Bulkheads bulkheads, IOptionsMonitor<OpenRouterOptions> account,
    IOptionsMonitor<ExtractionOptions> options,
    TimeProvider time, ILogger<ExtractionModel> logger)
{
    private static readonly string Provider = ExtractionProvider.Provider.Name;

    private static readonly ExtractionFailure NoKey = new("OPENROUTER_API_KEY is not set.", Retryable: false);

    /// <summary>Poll interval while the bulkhead is full, because no signal announces a free slot.</summary>
    private static readonly TimeSpan SlotPollInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Asks about a text.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public Task<ModelReply> ReadTextAsync(string document, CancellationToken cancellationToken)
    {
        var models = options.CurrentValue;
        return ReadAsync([models.TextModel, models.ImageModel], new ChatMessage(ChatRole.User, document), cancellationToken);
    }

    /// <summary>Asks about a picture or a PDF.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public Task<ModelReply> ReadPictureAsync(
        ReadOnlyMemory<byte> picture, string mediaType, string document, CancellationToken cancellationToken)
    {
        var models = options.CurrentValue;
        return ReadAsync(
            [models.ImageModel, models.TextModel],
            new ChatMessage(ChatRole.User, [new TextContent(document), new DataContent(picture, mediaType)]), cancellationToken);
    }

    /// <summary>
    /// The same for <see cref="ExtractionRehearsal"/>: the built-in model answers, without guards and without a network.
    /// </summary>
    public async Task<ModelReply> RehearseAsync(string document, CancellationToken cancellationToken)
    {
        var limits = options.CurrentValue;
        if (account.CurrentValue.ApiKey.Length == 0)
        {
            return ModelReply.Of(NoKey, calls: 0);
        }

        using var transport = new HttpClient(ExtractionRehearsal.Model());
        return await RequestAsync(limits.TextModel, new(ChatRole.User, document), transport, limits, cancellationToken);
    }

    private async Task<ModelReply> ReadAsync(string[] models, ChatMessage document, CancellationToken cancellationToken)
    {
        if (account.CurrentValue.ApiKey.Length == 0)
        {
            return ModelReply.Of(NoKey, calls: 0);
        }

        var calls = 0;
        ExtractionFailure? failure = null;
        foreach (var model in models.Distinct(StringComparer.Ordinal))
        {
            var reply = await TryAsync(model, document, cancellationToken);
            calls += reply.Calls;
            if (reply.Answer is not null)
            {
                return reply with { Calls = calls };
            }

            logger.ModelFailed(model, reply.Failure!.Message);

            // What may be different next time is worth another attempt of the whole job.
            failure = failure is { Retryable: true } ? failure : reply.Failure;
            if (reply.Calls == 0)
            {
                break;
            }
        }

        return new(null, null, calls, failure);
    }

    private async Task<ModelReply> TryAsync(string model, ChatMessage document, CancellationToken cancellationToken)
    {
        var entry = await circuits.EnterAsync(Provider, cancellationToken);
        if (entry.Permit is not { } permit)
        {
            return ModelReply.Of(new("The circuit is open.", Retryable: true, entry.RetryAfter), calls: 0);
        }

        using (permit)
        {
            var slot = await AcquireSlotAsync(cancellationToken);
            if (slot.Lease is not { } lease)
            {
                return ModelReply.Of(new("The bulkhead is saturated.", Retryable: true, slot.RetryAfter), calls: 0);
            }

            await using (lease)
            {
                return await CallAsync(model, document, permit, cancellationToken);
            }
        }
    }

    private async Task<BulkheadEntry> AcquireSlotAsync(CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); ;)
        {
            var slot = await bulkheads.AcquireAsync(Provider, WorkLease.NewHolder(), cancellationToken);
            if (slot.Lease is not null || time.GetElapsedTime(began) >= TimeSpan.FromMilliseconds(options.CurrentValue.SlotWaitMs))
            {
                return slot;
            }

            await Task.Delay(SlotPollInterval, time, cancellationToken);
        }
    }

    private async Task<ModelReply> CallAsync(string model, ChatMessage document, CircuitPermit permit, CancellationToken cancellationToken)
    {
        var limits = options.CurrentValue;
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(limits.TimeoutMs), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var reply = await RequestAsync(model, document, clients.CreateClient(ExtractionTransport.ClientName), limits, either.Token);
            permit.Succeeded();
            return reply;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            permit.Failed("timeout");
            return ModelReply.Of(new($"No answer within {limits.TimeoutMs} ms.", Retryable: true));
        }
        catch (ClientResultException exception) when (exception.Status > 0)
        {
            return ModelReply.Of(Refused(exception, permit));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or ClientResultException)
        {
            permit.Failed(exception.GetType().Name);
            return ModelReply.Of(new($"Network error ({exception.GetType().Name}).", Retryable: true));
        }
        catch (Exception exception)
            when (exception is System.Text.Json.JsonException or InvalidOperationException or FormatException or KeyNotFoundException
                or ArgumentException)
        {
            // The client could not read the response.
            permit.Failed("unreadable answer");
            return ModelReply.Of(new("The response cannot be read.", Retryable: true));
        }
    }

    private async Task<ModelReply> RequestAsync(
        string model, ChatMessage document, HttpClient transport, ExtractionOptions limits, CancellationToken cancellationToken)
    {
        using var client = Client(model, transport);
        var response = await client.GetResponseAsync(
            [new(ChatRole.System, ExtractionPrompt.System), document], Settings(limits), cancellationToken);
        return ModelAnswer.Read(response.Text) is { } answer
            ? new(answer, model, 1, null)
            : ModelReply.Of(new("The answer is not what was asked for.", Retryable: true));
    }

    private static ExtractionFailure Refused(ClientResultException exception, CircuitPermit permit)
    {
        switch (exception.Status)
        {
            case 401:
                permit.AccountRefused(Suspension.Key, configured: true);
                break;
            case 402:
                permit.AccountRefused(Suspension.Quota, configured: true);
                break;
            default:
                permit.Responded(exception.Status);
                break;
        }

        // A refused account or a full quota is the operator's to repair; the mail is read when it is.
        return new(
            $"HTTP {exception.Status}.",
            Retryable: exception.Status is 401 or 402 || StatusClass.Of(exception.Status) is CallVerdict.Failure);
    }

    private static ChatOptions Settings(ExtractionOptions limits) => new()
    {
        Temperature = 0.1f,
        MaxOutputTokens = limits.MaxOutputTokens,
        ResponseFormat = ChatResponseFormat.ForJsonSchema(ExtractionPrompt.Schema, "orders"),
    };

    private IChatClient Client(string model, HttpClient transport)
    {
        var provider = account.CurrentValue;
        return new OpenAIClient(new ApiKeyCredential(provider.ApiKey), new OpenAIClientOptions
        {
            Endpoint = new(provider.BaseUrl),
            Transport = new HttpClientPipelineTransport(transport),
            RetryPolicy = new ClientRetryPolicy(0),

            // The timeout of the call covers it.
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        }).GetChatClient(model).AsIChatClient();
    }
}

/// <summary>An answer of a model, or why there is none.</summary>
/// <param name="Answer">Null: no model answered.</param>
/// <param name="Model">The model that answered.</param>
/// <param name="Calls">Requests that were sent.</param>
/// <param name="Failure">Null with an answer.</param>
internal sealed record ModelReply(ModelAnswer? Answer, string? Model, int Calls, ExtractionFailure? Failure)
{
    public static ModelReply Of(ExtractionFailure failure, int calls = 1) => new(null, null, calls, failure);
}
