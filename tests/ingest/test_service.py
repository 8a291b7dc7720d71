"""x"""
def test_product(product):
    r = product.post("/v1/track", {"writeKey":"dev","event":"CTA Clicked","userId":"u","messageId":"m1"})
    print(r.text)
    product.wait_visible(lambda: product.sql("select count() n from rejected_events")[0]["n"] in ("1",1))
def test_warehouse(warehouse):
    warehouse.empty()
    print(warehouse.client.query("select count() from events").result_rows)
def test_collector(collector):
    print(collector.take("/v1/track", {"writeKey":"dev","event":"CTA Clicked","userId":"u","messageId":"m1"}))
    print(collector.metrics())
