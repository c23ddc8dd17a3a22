using System.Net.Sockets;
using System.Text;

namespace Sendcat.ContractTests.Chat;

/// <summary>Messages of more than 512 KiB, which need a slot while they arrive.</summary>
public sealed class LargeMessageTests(PostgresFixture postgres)
{
    private const int Strangers = 16;
    private const int SlotsOfStrangers = 4;

    [Fact]
    public async Task Stalled_messages_of_strangers_do_not_refuse_the_photo_of_a_guest()
    {
        var api = await postgres.ApiAsync();
        var guest = await api.GuestAsync();
        var address = api.Anyone.BaseAddress!;
        var begin = Encoding.ASCII.GetBytes(
            $$"""{"messages":[{"role":"user","parts":[{"type":"text","text":"{{new string('a', 700_000)}}""");
        var head = Encoding.ASCII.GetBytes(
            $"POST /api/chat HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n");
        var clients = Enumerable.Range(0, Strangers).Select(_ => new TcpClient()).ToArray();
        try
        {
            var responses = (await Task.WhenAll(clients.Select(BeginAsync))).ToList();
            while (responses.Count > SlotsOfStrangers)
            {
                responses.Remove(await Task.WhenAny(responses).WaitAsync(TimeSpan.FromSeconds(60)));
            }

            var photo = Convert.ToBase64String(new byte[900_000]);
            using var response = await guest.PostAsync(
                "/api/chat", $$"""{"message":{"role":"user","parts":[{"type":"file","mediaType":"image/png","url":"data:image/png;base64,{{photo}}"}]} }""".AsJson());

            Assert.DoesNotContain("large_messages", response.Headers.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Array.ForEach(clients, client => client.Dispose());
        }

        // Returns when a part of the message is sent; the inner task ends with the response. A refused connection may be reset.
        async Task<Task<int>> BeginAsync(TcpClient client)
        {
            await client.ConnectAsync(address.Host, address.Port);
            await client.GetStream().WriteAsync(head);
            var response = client.GetStream().ReadAsync(new byte[1]).AsTask();
            await client.GetStream().WriteAsync(begin).AsTask()
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            return response;
        }
    }
}
