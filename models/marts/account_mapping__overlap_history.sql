{{ config(materialized='view', enabled=var('account_mapping__history')) }}
select
    partner_id,
    account_id,
    partner_account_id,
    valid_from,
    valid_to,
    change,
    changed_facts,
    has_left,
    our_status,
    partner_status,
    previous_our_status,
    previous_partner_status,
    relationship,
    is_primary,
    our_open_amount,
    our_ultimate_parent_account_id,
    partner_ultimate_parent_account_id,
    our_family_status,
    partner_family_status,
    our_family_open_amount
from {{ ref('int_account_mapping__overlap_history') }}
