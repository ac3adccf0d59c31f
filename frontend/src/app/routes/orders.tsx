import { OrdersView } from "../../features/orders/orders-view";
import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function OrdersPage() {
  return (
    <Page title={frameText("page.orders")}>
      <OrdersView />
    </Page>
  );
}
