{%- set key = ['record', 'partner_id', 'deal_id'] -%}
{%- set facts = {
    'partner_account_id': dbt.type_string(), 'outcome': dbt.type_string(), 'stage': dbt.type_string(),
    'opened_on': 'date', 'closed_on': 'date', 'amount': 'decimal(28, 2)',
    'told_by': dbt.type_string(),
} -%}
{{
    config(
        enabled=var('account_mapping__history'),
        materialized='incremental',
        incremental_strategy=account_mapping.replace_strategy(),
        unique_key=key,
        full_refresh=false,
        pre_hook="{{ account_mapping.keep_former(this) }}",
        post_hook="{{ account_mapping.drop_former(this) }}",
        database=var('account_mapping__marts_database') or target.get('database'),
    )
}}
with

partner_deals as (

    select * from {{ ref('int_account_mapping__partner_deals') }}

),

deals_by_account as (

    select * from {{ ref('int_account_mapping__deals_by_account') }}

),

states as (

    select
        'deal' as record,
        partner_id,
        deal_id,
        account_id as partner_account_id,
        outcome,
        stage,
        opened_on,
        closed_on,
        amount,
        'deals' as told_by

    from partner_deals

    union all

    select
        'deal' as record,
        partner_id,
        deal_id,
        partner_account_id,
        outcome,
        stage,
        opened_on,
        closed_on,
        amount,
        told_by

    from deals_by_account

),

{{ account_mapping.kept_intervals(key, facts, account_mapping.former_rows(this) if is_incremental() else none) }}

{{ account_mapping.with_former('final', key, this) }}
