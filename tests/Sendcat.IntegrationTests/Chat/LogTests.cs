using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Checks every log line of a replica that logs at debug level while it serves requests.</summary>
public sealed class LogTests(SharedStores stores)
{
    private const string ProviderKey = "sk-or-v1-7d1f0provider";
    private const string Prompt = "my-secret-question";
    private const string Answer = "my-secret-answer";
    private const string ProviderMessage = "my-secret-refusal";
    private const string InvalidInput = "my-secret-garbage";
    private const string Password = "my-secret-Password-1";

    [Fact]
    public async Task Secrets_and_message_text_are_not_logged()
    {
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            stores, replicas: 1, ("OPENROUTER_API_KEY", ProviderKey), ("Logging__LogLevel__Default", "Debug"),
            ("Logging__LogLevel__Microsoft", "Debug"));
        using var guest = await sendcat.GuestAsync();
        var tokens = await SignInAsync(guest);
        string[] secrets =
        [
            ProviderKey, Prompt, Answer, ProviderMessage, InvalidInput, Password, SendcatSystem.SigningKey, SendcatSystem.OpsKey,
            guest.SessionId.Split('.')[1], tokens.GetProperty("accessToken").GetString()!, tokens.GetProperty("refreshToken").GetString()!,
        ];
        var leaks = secrets
            .Select(
                secret =>
                    sendcat.Api.Process.WaitForLineAsync(line => line.Contains(secret, StringComparison.Ordinal), TimeSpan.FromMinutes(5)))
            .ToArray();

        await RunTurnAsync(guest, $"""{Prompt} [[emu text="{Answer}" chunks=3]]""");
        await RunTurnAsync(guest, $"""{Prompt} [[emu text="{Answer}" reasoning tool=get_current_time]]""");
        await RunTurnAsync(guest, $"""{Prompt} [[emu status=401 message="{ProviderMessage}"]]""");
        await RunTurnAsync(guest, $"""{Prompt} [[emu chunks=5 error-after=2 code=502 message="{ProviderMessage}"]]""");
        await RunTurnAsync(guest, $"""{Prompt} [[emu chunks=5 bad-json-after=2]]""");
        await using (var ui = await guest.PostChatAsync(new
        {
            id = await guest.NewThreadAsync(),
            messages = new[]
            {
                new { id = "m", role = "user", parts = new[] { new { type = "text", text = $"{Prompt} [[emu chunks=1]]" } } },
            },
        }))
        {
            await ui.ReadToEndAsync();
        }

        foreach (var body in new[]
        {
            $$"""{"threadId": {{InvalidInput}}""", $$"""{"threadId":"{{InvalidInput}}"}""", $$"""{"threadId":["{{InvalidInput}}"]}""",
        })
        {
            using var refused = await guest.Http.PostAsync("/api/chat", new StringContent(body, Encoding.UTF8, "application/json"));
            Assert.InRange((int)refused.StatusCode, 400, 499);
        }

        using (var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health")
        {
            Headers = { Authorization = new("Bearer", SendcatSystem.OpsKey) },
        })
        {
            using var health = await guest.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        }

        await sendcat.Api.Process.StopAsync();
        foreach (var leak in leaks)
        {
            // The wait fails because the process exited without a line that contains the secret.
            await Assert.ThrowsAsync<InvalidOperationException>(() => leak);
        }
    }

    private static async Task RunTurnAsync(SendcatClient guest, string prompt)
    {
        await using var stream = await guest.ChatAsync(await guest.NewThreadAsync(prompt));
        Assert.Equal(HttpStatusCode.OK, stream.Status);
        await stream.ReadToEndAsync();
        Assert.Contains(stream.Types[^1], new[] { "done", "error" });
    }

    private static async Task<JsonElement> SignInAsync(SendcatClient guest)
    {
        var account = new { email = "ann@example.com", password = Password };
        using var registered = await guest.Http.PostAsJsonAsync("/api/auth/register", account);
        registered.EnsureSuccessStatusCode();
        using var signedIn = await guest.Http.PostAsJsonAsync("/api/auth/login", account);
        var tokens = await signedIn.Content.ReadFromJsonAsync<JsonElement>();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/threads")
        {
            Headers = { Authorization = new("Bearer", tokens.GetProperty("accessToken").GetString()) },
        };
        using var listed = await guest.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, listed.StatusCode);
        return tokens;
    }
}
