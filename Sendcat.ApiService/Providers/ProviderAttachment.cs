namespace Sendcat.ApiService.Providers;

/// <summary>An image or a PDF of a user message.</summary>
/// <param name="Url">An address that the provider fetches, or a <c>data:</c> address; null: the content is in the file store.</param>
internal sealed record ProviderAttachment(string? Url, string MediaType, string Name)
{
    /// <summary>The id that clients know; null for a file that is only an address.</summary>
    public string? Id { get; init; }

    /// <summary>Key in the file store; null: <see cref="Url"/> is the whole file, or there is none.</summary>
    public string? Key { get; init; }

    /// <summary>Bytes of the content in the file store.</summary>
    public long Size { get; init; }

    /// <summary>Why the file is not sent, whatever the model accepts; null: it may be sent.</summary>
    public string? LeftOut { get; init; }
}

/// <summary>Why a file of the conversation is not sent to the model. Clients see these words.</summary>
internal static class LeftOutReason
{
    public const string ModelTakesNoImages = "model_no_images";
    public const string ModelTakesNoFiles = "model_no_files";
    public const string TypeNotSupported = "type_not_supported";
    public const string TooManyBytes = "too_many_bytes";
    public const string FileMissing = "file_missing";
    public const string StoreUnavailable = "store_unavailable";

    public static readonly IReadOnlyList<string> All =
    [
        ModelTakesNoImages, ModelTakesNoFiles, TypeNotSupported, TooManyBytes, FileMissing, StoreUnavailable,
    ];

    /// <summary>The reason as a sentence for the model, which would otherwise not know of the file.</summary>
    public static string Text(string reason) => reason switch
    {
        ModelTakesNoImages => "this model does not accept images",
        ModelTakesNoFiles => "this model does not accept PDF files",
        TypeNotSupported => "models do not accept this type of image",
        TooManyBytes => "the files of the conversation are too large together, and newer ones were sent",
        FileMissing => "the file was deleted",
        StoreUnavailable => "the file could not be read at the moment",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "Unknown reason."),
    };
}
