using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Threads;

/// <summary>The rules for titles, model ids and messages.</summary>
internal static class ThreadRules
{
    /// <summary>Characters.</summary>
    public const int LongestTitle = 200;

    /// <summary>Makes a title from a message: its first 40 characters on one line. A surrogate pair is never split.</summary>
    public static string TitleFrom(string content)
    {
        var line = string.Join(' ', content.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return TextLimit.Cut(line, 40);
    }

    /// <summary>The title that a thread gets from its first message; null for a message without text.</summary>
    public static string? TitleOf(string content) => string.IsNullOrWhiteSpace(content) ? null : TitleFrom(content);

    public static IEnumerable<string> Problems(string? title, string? modelId)
    {
        if (title is not null && !StoredText.HasText(title, LongestTitle))
        {
            yield return $"title must have 1 to {LongestTitle} characters";
        }

        if (modelId is not null && !ModelCatalogue.IsModelId(modelId))
        {
            yield return "modelId is not the id of a model";
        }
    }

    public static IEnumerable<string> ContentProblems(string? content, IReadOnlyList<AttachmentReference>? attachments)
    {
        if (attachments is null or []
            ? !StoredText.HasText(content, JsonBody.OrdinaryLimit)
            : !StoredText.Fits(content, JsonBody.OrdinaryLimit))
        {
            yield return "content must not be empty and must be plain text";
        }

        if (attachments?.Count > MessageAttachment.MostPerMessage)
        {
            yield return $"at most {MessageAttachment.MostPerMessage} attachments";
        }

        if (attachments?.Any(attachment => attachment is null) is true)
        {
            yield return "attachments must be objects";
        }
    }
}
