with

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

ranked as (

    select
        partner_id,
        account_id,
        partner_account_id,
        relationship,
        row_number() over (
            partition by partner_id, account_id
            order by
                case when relationship = 'same' then 0 else 1 end,
                partner_status_rank,
                match_probability desc,
                partner_account_id
        ) as preference

    from links

),

final as (

    select
        partner_id,
        account_id,
        partner_account_id,
        relationship

    from ranked
    where preference = 1

)

select * from final
