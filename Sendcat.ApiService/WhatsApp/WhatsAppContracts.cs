using System.Text.Json.Serialization;

namespace Sendcat.ApiService.WhatsApp;

/// <param name="LinkingCode">To be sent to our number as a message of its own.</param>
/// <param name="BusinessNumber">Our number; absent when it is not configured.</param>
internal sealed record LinkingCodeView(string LinkingCode, DateTimeOffset LinkingCodeExpiresAt, string? BusinessNumber);

/// <param name="PhoneNumber">Digits with the country; absent when the user hides it.</param>
/// <param name="LinkingCode">The code that is valid at present.</param>
internal sealed record LinkView(
    bool Linked, string? PhoneNumber, DateTimeOffset? ConnectedAt, DateTimeOffset? LastMessageAt, string? LinkingCode,
    DateTimeOffset? LinkingCodeExpiresAt);

[
    JsonSourceGenerationOptions(
        PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LinkingCodeView))]
[JsonSerializable(typeof(LinkView))]
internal sealed partial class WhatsAppJson : JsonSerializerContext;
