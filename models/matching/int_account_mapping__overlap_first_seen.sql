{%- set key = ['partner_id', 'account_id', 'partner_account_id'] -%}
{{
    config(
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

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

{% if is_incremental() -%}
known as (

    select * from {{ account_mapping.former_rows(this) }}

),
{% endif %}
final as (

    -- an overlap keeps the day on which it was first seen, also if it leaves and returns; a run of a past day may
    -- have seen it earlier
    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}) as first_seen_at

    from links
    {% if is_incremental() -%}
    left join known
        on
            links.partner_id = known.partner_id
            and links.account_id = known.account_id
            and links.partner_account_id = known.partner_account_id
    where
        known.partner_id is null
        or known.first_seen_at > {{ account_mapping.as_of() }}
    {%- endif %}

)

{{ account_mapping.with_former('final', key, this) }}
