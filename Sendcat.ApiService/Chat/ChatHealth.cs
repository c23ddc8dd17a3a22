using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Knobs;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>Whether turns can be started. What it shows besides is for operators, and only they see it.</summary>
internal sealed class ChatHealth(
    IConnectionMultiplexer redis, Circuits circuits, IOptionsMonitor<ChatGatewayOptions> gateway, IOptionsMonitor<AdmissionOptions> admission, IOptionsMonitor<ProviderRouteOptions> routes,
    IOptionsMonitor<BulkheadOptions> bulkheads, IOptionsMonitor<RegionOptions> region, TimeProvider time)
{
}
