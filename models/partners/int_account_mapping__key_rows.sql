with

-- hashed addresses of persons tell nothing about which company it is
partner_keys as (

    select * from {{ ref('stg_account_mapping__partner_keys') }}
    where key_type is distinct from 'person'

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

final as (

    select distinct
        'partner' as side,
        partner_keys.partner_id,
        partner_keys.key_type,
        partner_keys.token,
        partner_keys.account_token,
        partner_keys.parent_account_token,
        partner_keys.status,
        {{ account_mapping.key_row_problem('partner_keys', 'partners') }} as problem

    from partner_keys
    left join partners
        on partner_keys.partner_id = partners.partner_id
    {% if 'shared_keys' in account_mapping.crms_in_use() %}
    union all

    -- in a clean room our side arrives hashed too
    select
        'ours' as side,
        partner_id,
        key_type,
        token,
        account_token,
        parent_account_token,
        status,
        problem

    from {{ ref('int_account_mapping__own_key_rows') }}
    {% endif %}
)

select * from final
