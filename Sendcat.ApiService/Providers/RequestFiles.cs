using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.Integrations.Files;

namespace Sendcat.ApiService.Providers;

/// <summary>Decides which files of a conversation are sent to the model of a route, and opens their content.</summary>
internal sealed class RequestFiles(IFileStore store, TimeProvider time, ILogger<RequestFiles> logger)
{
    /// <summary>
    /// The most time in which the store may say that the files of a call are there. The turn continues without the others.
    /// </summary>
    private static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(3);

    /// <summary>The image types that models accept. Other images are stored and shown to their owner, but not sent.</summary>
    private static readonly HashSet<string> SentImages = new(StringComparer.OrdinalIgnoreCase)
    {
        "image/png", "image/jpeg", "image/webp", "image/gif",
    };

    /// <returns>
    /// The messages with the files that can be sent, each with an address or with its present size; instead of every other file its message
    /// has a note for the model.
    /// </returns>
    public async ValueTask<SentFiles> SelectAsync(
        IReadOnlyList<ProviderMessage> messages, ModelCapability capability, CancellationToken cancellationToken)
    {
        if (messages.All(message => message.Attachments.Count == 0))
        {
            return new(messages, []);
        }

        using var timeout = new CancellationTokenSource(LookupTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var selected = new List<ProviderMessage>(messages.Count);
        var leftOut = new List<ProviderEvent.FileLeftOut>();
        foreach (var message in messages)
        {
            selected.Add(message.Attachments.Count == 0 ? message : await SelectAsync(message, capability, leftOut, either.Token));
        }

        cancellationToken.ThrowIfCancellationRequested();
        return new(selected, leftOut);
    }

    /// <summary>Opens the content of a file. It may have been deleted since it was selected.</summary>
    /// <exception cref="FileStoreException">The store is unavailable.</exception>
    /// <exception cref="FileNotFoundException">There is no such file any more.</exception>
    public async Task<Stream> OpenAsync(string key, CancellationToken cancellationToken) =>
        await store.OpenAsync(key, cancellationToken) ?? throw new FileNotFoundException("The file was deleted.");

    private async ValueTask<ProviderMessage> SelectAsync(
        ProviderMessage message, ModelCapability capability, List<ProviderEvent.FileLeftOut> leftOut, CancellationToken cancellationToken)
    {
        var sent = new List<ProviderAttachment>(message.Attachments.Count);
        var text = message.Content;
        foreach (var file in message.Attachments)
        {
            var (sendable, reason) = Refusal(file, capability) is { } refusal
                ? (file, refusal)
                : await LocateAsync(file, cancellationToken);
            if (reason is null)
            {
                sent.Add(sendable);
                continue;
            }

            leftOut.Add(new(file.Id, file.Name, file.MediaType, reason));
            var note = $"[The user attached \"{file.Name}\" ({file.MediaType}). You cannot see it: {LeftOutReason.Text(reason)}.]";
            text = string.IsNullOrWhiteSpace(text) ? note : $"{text}\n\n{note}";
        }

        return message with { Content = text, Attachments = sent };
    }

    private static string? Refusal(ProviderAttachment file, ModelCapability capability) =>
        file.LeftOut is { } reason ? reason
        : !file.MediaType.StartsWith("image/", StringComparison.OrdinalIgnoreCase)
        ? capability.Files ? null : LeftOutReason.ModelTakesNoFiles
        : !capability.Vision ? LeftOutReason.ModelTakesNoImages
        : SentImages.Contains(file.MediaType) ? null
        : LeftOutReason.TypeNotSupported;

    private async ValueTask<(ProviderAttachment File, string? Reason)> LocateAsync(
        ProviderAttachment file, CancellationToken cancellationToken)
    {
        if (file.Key is null)
        {
            return (file, file.Url is null ? LeftOutReason.FileMissing : null);
        }

        try
        {
            if (await store.SizeAsync(file.Key, cancellationToken) is not { } size)
            {
                return (file, LeftOutReason.FileMissing);
            }

            return (store.Link(file.Key) is { } link ? file with { Key = null, Url = link.AbsoluteUri } : file with { Size = size }, null);
        }
        catch (Exception failure) when (failure is FileStoreException or OperationCanceledException)
        {
            logger.FileNotSent(file.Key, failure.GetBaseException().GetType().Name);
            return (file, LeftOutReason.StoreUnavailable);
        }
    }
}

/// <param name="LeftOut">The files that are not sent, in the order of the conversation.</param>
internal sealed record SentFiles(IReadOnlyList<ProviderMessage> Messages, IReadOnlyList<ProviderEvent.FileLeftOut> LeftOut);
