with

company_records as (

    select * from {{ ref('int_account_mapping__company_records') }}

),

register as (

    select * from {{ ref('int_account_mapping__company_register') }}
    where
        record = 'member'
        and valid_from <= {{ account_mapping.as_of() }}
        and coalesce(valid_to, cast('9999-12-31' as date)) > {{ account_mapping.as_of() }}

),

final as (

    select
        register.company_id,
        case when company_records.partner_id = '' then 'ours' else 'partner' end as side,
        company_records.partner_id,
        company_records.account_id,
        company_records.group_id,
        company_records.family_group_id,
        register.valid_from as member_since

    from company_records
    inner join register
        on
            company_records.partner_id = register.partner_id
            and company_records.account_id = register.account_id

)

select * from final
