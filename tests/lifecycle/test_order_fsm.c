#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/trade/order.h"
#include "support/fsm_check.h"

/* The table of the order's life cycle, written out by hand from its description, not from order_fsm.def: every state and trigger that is not here
 * must be refused. */
static const struct fsm_move moves[] = {
    {"planned", "sent", "sent"},                                  /* O1 */
    {"planned", "not_wanted", "cancelled"},                       /* O2 */
    {"sent", "acknowledged", "working"},                          /* O3 */
    {"sent", "resting", "untriggered"},                           /* O3, a stop */
    {"sent", "rejected", "rejected"},                             /* O4 */
    {"sent", "no_answer", "unknown"},                             /* O5 */
    {"cancelling", "no_answer", "unknown"},                       /* O5 */
    {"unknown", "found_working", "working"},                      /* O6 */
    {"unknown", "found_partial", "partially_filled"},             /* O6 */
    {"unknown", "found_untriggered", "untriggered"},              /* O6 */
    {"unknown", "found_filled", "filled"},                        /* O6 */
    {"unknown", "found_cancelled", "cancelled"},                  /* O6 */
    {"unknown", "found_rejected", "rejected"},                    /* O6 */
    {"unknown", "not_arrived", "rejected"},                       /* O7 */
    {"untriggered", "triggered", "working"},                      /* O8 */
    {"sent", "fill_part", "partially_filled"},                    /* O9 */
    {"working", "fill_part", "partially_filled"},                 /* O9 */
    {"partially_filled", "fill_part", "partially_filled"},        /* O9 */
    {"untriggered", "fill_part", "partially_filled"},             /* O9 */
    {"cancelling", "fill_part", "cancelling"},                    /* O9 */
    {"unknown", "fill_part", "partially_filled"},                 /* O9 */
    {"sent", "fill_rest", "filled"},                              /* O10 */
    {"working", "fill_rest", "filled"},                           /* O10 */
    {"partially_filled", "fill_rest", "filled"},                  /* O10 */
    {"untriggered", "fill_rest", "filled"},                       /* O10 */
    {"cancelling", "fill_rest", "filled"},                        /* O10 */
    {"unknown", "fill_rest", "filled"},                           /* O10 */
    {"working", "cancel_sent", "cancelling"},                     /* O11 */
    {"partially_filled", "cancel_sent", "cancelling"},            /* O11 */
    {"untriggered", "cancel_sent", "cancelling"},                 /* O11 */
    {"working", "cancelled", "cancelled"},                        /* O12 */
    {"partially_filled", "cancelled", "cancelled"},               /* O12 */
    {"untriggered", "cancelled", "cancelled"},                    /* O12 */
    {"cancelling", "cancelled", "cancelled"},                     /* O12 */
    {"cancelling", "cancel_refused_filled", "filled"},            /* O13 */
    {"cancelling", "cancel_refused_working", "working"},          /* O14 */
    {"cancelling", "cancel_refused_partial", "partially_filled"}, /* O14 */
    {"cancelling", "cancel_refused_untriggered", "untriggered"},  /* O14 */
    {"working", "amended", "working"},                            /* O15 */
    {"partially_filled", "amended", "partially_filled"},          /* O15 */
    {"untriggered", "amended", "untriggered"},                    /* O15 */
    {"working", "rejected", "rejected"},                          /* O16 */
    {"untriggered", "rejected", "rejected"},                      /* O16 */
    {"cancelled", "fill_part", "cancelled"},                      /* O17 */
    {"cancelled", "fill_rest", "cancelled"},                      /* O17 */
    {"rejected", "fill_part", "rejected"},                        /* O17 */
    {"rejected", "fill_rest", "rejected"},                        /* O17 */
};

static void test_every_state_and_trigger(void **state) {
  (void)state;
  fsm_check_moves(&order_fsm, moves, sizeof moves / sizeof moves[0]);
}

static void test_names_and_single_rows(void **state) {
  (void)state;
  assert_int_equal(order_fsm.state_count, 10);
  assert_string_equal(order_state_names[ORDER_REJECTED], "rejected");
  assert_string_equal(order_trigger_names[ORDER_ON_AMENDED], "amended");
  for (int i = 0; i < order_fsm.row_count; i++) {
    for (int j = 0; j < i; j++) {
      assert_false(order_fsm.rows[i].from == order_fsm.rows[j].from && order_fsm.rows[i].trigger == order_fsm.rows[j].trigger);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_state_and_trigger), cmocka_unit_test(test_names_and_single_rows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
