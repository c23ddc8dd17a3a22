using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Attachments;

namespace Sendcat.ApiService.Threads;

/// <summary>A version of a user message that an edit replaced: what a late repetition of an earlier request is recognized by.</summary>
/// <param name="At">The time of the edit.</param>
/// <param name="Sha256">SHA-256 of the replaced text in UTF-8, as 64 lowercase hexadecimal digits.</param>
/// <param name="Attachments">The files of the replaced version; null: none. Their content may be deleted.</param>
internal sealed record ReplacedVersion(DateTimeOffset At, string Sha256, IReadOnlyList<MessageAttachment>? Attachments)
{
    /// <summary>The idempotency key of that edit, as the ids of its turns end by it; null: it had none.</summary>
    public string? Key { get; init; }

    /// <summary>The versions that are kept of a message; older ones are removed by the next edit.</summary>
    public const int Most = 8;

    /// <param name="json">The column <c>edits</c>; null: the message was never edited.</param>
    /// <returns>The newest first.</returns>
    public static IReadOnlyList<ReplacedVersion> Read(string? json) =>
        json is null ? [] : JsonSerializer.Deserialize(json, ReplacedVersionJson.Default.IReadOnlyListReplacedVersion) ?? [];

    /// <param name="text">A text as it is stored.</param>
    public bool HasText(string text) => Sha256 == Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(IReadOnlyList<ReplacedVersion>))]
internal sealed partial class ReplacedVersionJson : JsonSerializerContext;
