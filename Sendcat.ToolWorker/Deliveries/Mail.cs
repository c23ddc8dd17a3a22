using System.Text.Json.Serialization;

namespace Sendcat.ToolWorker.Deliveries;

/// <summary>One mail; its JSON is the request body of the Resend API.</summary>
internal sealed record Mail(string From, string To, string Subject, string Html, string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Mail))]
internal sealed partial class MailJson : JsonSerializerContext;
