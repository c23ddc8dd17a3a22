using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Microsoft.Extensions.Hosting;

public static class OutboundResilience
{
    /// <summary>
    /// Microsoft's standard pipeline for a client that asks short questions: 10 s an attempt, 30 s in all, up to 3 retries of safe methods with jittered back-off that honour
    /// <c>Retry-After</c>, and a circuit. Not for clients whose answer is a stream: its time-outs would cut it, and their retries belong to the router.
    /// </summary>
    public static IHttpClientBuilder AddSendcatResilience(this IHttpClientBuilder client)
    {
        client.AddStandardResilienceHandler(options =>
        {
            options.TotalRequestTimeout.Timeout = TimeSpan.FromSeconds(30);
            options.AttemptTimeout.Timeout = TimeSpan.FromSeconds(10);
            options.Retry.MaxRetryAttempts = 3;
            options.Retry.BackoffType = DelayBackoffType.Exponential;
            options.Retry.UseJitter = true;
            options.Retry.DisableForUnsafeHttpMethods();
        });
        return client;
    }
}
