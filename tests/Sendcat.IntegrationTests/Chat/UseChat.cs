using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Request bodies as <c>useChat</c> of the AI SDK sends them.</summary>
internal static class UseChat
{
    public static string Json(string thread, string text) => JsonSerializer.Serialize(Body(thread, text, "m1"));

    public static object Body(string thread, string text, string messageId) => new
    {
        id = thread,
        trigger = "submit-message",
        messages = new object[] { new { id = messageId, role = "user", parts = new object[] { new { type = "text", text } } } },
    };
}
