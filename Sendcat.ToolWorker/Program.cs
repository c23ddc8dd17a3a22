using Sendcat.Integrations;
using Sendcat.Integrations.Orders;
using Sendcat.Reliability;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.ServiceDefaults.Broker;
using Sendcat.ToolWorker.Deliveries;
using Sendcat.ToolWorker.Health;
using Sendcat.ToolWorker.Jobs;
using Sendcat.ToolWorker.MailSync;
using Sendcat.ToolWorker.Schedule;
using Sendcat.ToolWorker.Messages;
using Sendcat.ToolWorker.SearchGlobal;
using Sendcat.ToolWorker.SearchProducts;
using Sendcat.ToolWorker.SearchWeb;
using Sendcat.ToolWorker.Taxonomy;
using Sendcat.ToolWorker.Upstreams;

var builder = WebApplication.CreateBuilder(args);
builder.UseHealthAddress();
builder.AddServiceDefaults();
builder.AddRedisClient("redis");
builder.AddSendcatDataSource(maxConnections: 8);
builder.AddRabbitMQClient("messaging");

builder.Services
    .AddReliability()
    .AddIntegrations()
    .AddToolCache()
    .AddToolJobs(services => services.GetRequiredService<BrokerConnection>().OpenAsync)
    .AddToolJobSweeper()
    .AddUpstreams()
    .AddSearchWeb()
    .AddSearchProducts()
    .AddSearchGlobal()
    .AddTaxonomy()
    .AddDeliveries()
    .AddMailSync()
    .AddSchedule()
    .AddMessages()
    .AddOrderIntake()
    .AddLanes();

var app = builder.Build();
app.MapDefaultEndpoints();
await app.RunAsync();
